/** How long to wait before the next attempt, in milliseconds: 1 s doubling to 30 s, ± 20 %. */
export function wait(failures: number, random: number): number {
  const base = Math.min(30_000, 1_000 * 2 ** Math.min(failures, 10));
  return Math.round(base * (0.8 + 0.4 * random));
}
