/**
 * A rough hint at how hard a password is to guess. A hint only: the gateway asks for ten characters and no more.
 */
export const SHORTEST = 10;

export interface Strength {
  /** 0 too short, 1 weak, 2 fair, 3 good, 4 strong. */
  level: 0 | 1 | 2 | 3 | 4;
  words: string;
}

const COMMON = /^(?:password|passwort|qwert|asdf|letmein|welcome|admin|agentport|iloveyou|1234|abcd)/i;

export function strength(password: string): Strength {
  const length = [...password].length;
  if (length < SHORTEST) {
    const missing = SHORTEST - length;
    return { level: 0, words: length === 0 ? '' : `${missing} more character${missing === 1 ? '' : 's'}` };
  }
  const alphabet =
    (/[a-z]/.test(password) ? 26 : 0) +
    (/[A-Z]/.test(password) ? 26 : 0) +
    (/[0-9]/.test(password) ? 10 : 0) +
    (/[^a-zA-Z0-9]/.test(password) ? 30 : 0);
  // Characters that repeat or follow one another add next to nothing.
  const codes = [...password].map((character) => character.codePointAt(0) ?? 0);
  const fresh = codes.filter((code, at) => at === 0 || Math.abs(code - (codes[at - 1] ?? 0)) > 1).length;
  const variety = new Set(codes).size;
  const bits = Math.min(fresh, variety * 1.5) * Math.log2(Math.max(alphabet, 2));
  const worth = COMMON.test(password) ? bits / 2 : bits;
  if (worth < 40) return { level: 1, words: 'Easy to guess' };
  if (worth < 60) return { level: 2, words: 'Fair; longer is better' };
  if (worth < 80) return { level: 3, words: 'Good' };
  return { level: 4, words: 'Strong' };
}
