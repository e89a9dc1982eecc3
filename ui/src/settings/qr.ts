/** A QR code as the outline of one shape, which stays sharp at any size. Pure. */

/** The light margin that scanners need around a code, in modules (ISO/IEC 18004, 6.3.8). */
export const QUIET = 4;

/** How many modules the picture is wide and high. */
export function sizeOf(rows: readonly string[]): number {
  return rows.length + 2 * QUIET;
}

/** The dark modules of `rows` (`1` dark, `0` light), run by run, as the `d` of a path. */
export function pathOf(rows: readonly string[]): string {
  let path = '';
  rows.forEach((row, y) => {
    for (const { index, 0: run } of row.matchAll(/1+/g)) {
      path += `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`;
    }
  });
  return path;
}
