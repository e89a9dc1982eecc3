/** Whether a key is good, and whether its agent works on its own for now. Pure. */
import type { KeyView } from '../bindings/KeyView';

export type Life = 'good' | 'expired' | 'revoked';

export function life({ revoked_at, expires_at }: KeyView, now: number): Life {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && Date.parse(expires_at) <= now ? 'expired' : 'good';
}

/** Until when the agent may do everything but destructive tools; `null` where it may not. */
export function trustedUntil(view: KeyView, now: number): string | null {
  const { trusted_until } = view;
  const trusted = trusted_until !== null && Date.parse(trusted_until) > now && life(view, now) === 'good';
  return trusted ? trusted_until : null;
}
