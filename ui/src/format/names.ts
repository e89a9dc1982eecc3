/**
 * Names that agents, servers and clients gave themselves, as they are printed.
 *
 * A name is how the owner tells one agent or server from another, so one that imitates another is marked. Characters
 * that cannot be seen become marks such as ⟨U+200B⟩, and so do blanks other than the space. A name with one of these, or
 * with letters that look like Latin ones and are not (Unicode Technical Standard #39, section 4), is called a look-alike.
 */
import { visible } from './visible';

/** Joiners and variation selectors beside ASCII, where no script needs them; blanks that pass for a space; U+034F. */
const UNSEEN =
  /[\u034f\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]|(?<=[\u0000-\u007f]|^)[\u200c\u200d\ufe00-\ufe0f]/gu;

/** Cyrillic and Greek letters that are drawn like Latin ones. */
const LIKE_LATIN = /^[авекмнорстухѕіјһԁԛԝғүАВЕКМНОРСТУХЅІЈҮԌԚԜαικνορυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]$/u;
const LATIN = /\p{Script=Latin}/u;
const OTHER = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Cherokee}\p{Script=Armenian}]/u;
/** Full-width and mathematical letters: other code points for the same letters. */
const STYLED = /[\uff21-\uff3a\uff41-\uff5a\u{1d400}-\u{1d7ff}]/u;

/** Could the name be taken for another one? */
export function isLookAlike(name: string): boolean {
  const text = escaped(name);
  if (text !== name || STYLED.test(name)) return true;
  return name.split(/[^\p{L}\p{M}]+/u).some((word) => {
    if (!OTHER.test(word)) return false;
    return LATIN.test(word) || [...word].every((letter) => LIKE_LATIN.test(letter));
  });
}

function escaped(name: string): string {
  return visible(
    name.replace(UNSEEN, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
    }),
  );
}

/** The name as it is printed, marked where it could be taken for another one. */
export function nameText(name: string): string {
  return isLookAlike(name) ? `${escaped(name)} (look-alike name)` : name;
}
