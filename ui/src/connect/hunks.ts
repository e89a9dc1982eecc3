/** Lines that were changed on both sides, between the marks that merges use. Pure. */

export interface ConflictLine {
  side: 'both' | 'now' | 'original' | 'mark';
  text: string;
}

const MARKS: readonly [RegExp, ConflictLine['side'], string][] = [
  [/^<{7}(?: |$)/, 'now', 'As it is now'],
  [/^={7}$/, 'original', 'As it was in the original'],
  [/^>{7}(?: |$)/, 'both', ''],
];

/** The marks become words; a text without any is shown as it is. */
export function conflictLines(text: string): ConflictLine[] {
  const lines: ConflictLine[] = [];
  let side: ConflictLine['side'] = 'both';
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  for (const line of all) {
    const mark = MARKS.find(([pattern]) => pattern.test(line));
    if (mark === undefined) {
      lines.push({ side, text: line });
    } else {
      // A side that has nothing there says so.
      if (lines.at(-1)?.side === 'mark') lines.push({ side, text: '(nothing)' });
      side = mark[1];
      if (mark[2] !== '') lines.push({ side: 'mark', text: mark[2] });
    }
  }
  return lines;
}
