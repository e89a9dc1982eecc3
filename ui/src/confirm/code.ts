/** One-time and recovery codes, as they are typed. Pure; whether a code is right only the gateway knows. */

export type CodeKind = 'one_time' | 'recovery';

const DIGITS = 6;

/** What is sent: a one-time code without the spaces that authenticators show in it, a recovery code without those around it. */
export function meant(kind: CodeKind, typed: string): string {
  return kind === 'one_time' ? typed.replace(/[\s-]/g, '') : typed.trim();
}

/** Could it be a code at all? */
export function usable(kind: CodeKind, typed: string): boolean {
  const code = meant(kind, typed);
  return kind === 'one_time' ? new RegExp(`^[0-9]{${DIGITS}}$`).test(code) : code.length >= DIGITS;
}
