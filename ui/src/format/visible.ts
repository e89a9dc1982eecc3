/**
 * Text that agents and upstreams wrote, made honest: characters that hide, or turn the direction of what follows,
 * become marks that can be seen, such as ⟨U+202E⟩. Line breaks and tabs stay. Joiners stay too, since scripts and
 * emoji need them.
 */
const HIDDEN =
  // C0 and C1 controls without tab and line feed; soft hyphen; zero width space, direction marks, embeddings and
  // isolates; line separators; invisible operators; byte order mark; interlinear marks; tag characters.
  /\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** Would the text read as another type of JSON, or as nothing, without quotes around it? */
export function needsQuotes(text: string): boolean {
  return text === '' || text !== text.trim() || /^(?:true|false|null|-?\d[\d.eE+-]*)$/.test(text);
}
