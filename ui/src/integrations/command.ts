/**
 * A command line as people type it, and as it is run: a program and its arguments, without a shell. Quotes and
 * backslashes group as in a POSIX shell; nothing is expanded, and what only a shell could do is refused.
 */

export class Unusable extends Error {}

/** Splits a command line. Throws {@link Unusable} with a sentence for the one who typed it. */
export function split(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (quote === "'") {
      if (character === "'") quote = null;
      else word += character;
    } else if (character === '\\' && (quote === null || /["\\]/.test(line[at + 1] ?? ''))) {
      at += 1;
      if (at >= line.length) throw new Unusable('The command ends with a lone backslash.');
      word = (word ?? '') + line[at];
    } else if (quote === '"') {
      if (character === '"') quote = null;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (/[|&;<>`]/.test(character)) {
      throw new Unusable(
        `“${character}” needs a shell, and the command is run without one. Quote it, or use a script.`,
      );
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== null) throw new Unusable(`A quote (${quote}) is not closed.`);
  if (word !== null) words.push(word);
  return words;
}

/** Joins words so that {@link split} gives them back. */
export function join(words: readonly string[]): string {
  return words
    .map((word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
