/** A unified diff, line by line, as it is shown. Pure. */

export type LineKind = 'added' | 'removed' | 'kept' | 'place';

export interface DiffLine {
  kind: LineKind;
  /** Without its sign. */
  text: string;
}

const SIGNS: Readonly<Record<string, LineKind>> = { '+': 'added', '-': 'removed', ' ': 'kept' };

/**
 * The lines of the hunks. File names before the first hunk are left out: they stand above the diff. `\ No newline at
 * end of file` is a note on the line before and reads as a place.
 */
export function diffLines(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let inside = false;
  const all = diff.split('\n');
  if (all.at(-1) === '') all.pop();
  for (const raw of all) {
    if (raw.startsWith('@@')) {
      inside = true;
      lines.push({ kind: 'place', text: raw });
    } else if (inside) {
      const kind = SIGNS[raw[0] ?? ' '];
      // An empty line of the context may have lost its blank on the way.
      lines.push(kind === undefined ? { kind: 'place', text: raw } : { kind, text: raw.slice(1) });
    }
  }
  return lines;
}

/** How many lines come and go. */
export function tally(lines: readonly DiffLine[]): { added: number; removed: number } {
  const of = (kind: LineKind) => lines.filter((line) => line.kind === kind).length;
  return { added: of('added'), removed: of('removed') };
}

/** `2 lines added, 1 removed`. */
export function tallyWords({ added, removed }: { added: number; removed: number }): string {
  const lines = (n: number) => `${n} ${n === 1 ? 'line' : 'lines'}`;
  if (added === 0 && removed === 0) return 'No line changes';
  if (removed === 0) return `${lines(added)} added`;
  return added === 0 ? `${lines(removed)} removed` : `${lines(added)} added, ${removed} removed`;
}
