/** What the approval window does by itself. Pure. */
import type { StateName } from '../bindings/StateName';

/**
 * How long a request that was decided before the owner's eyes stays in view, in milliseconds: long enough to read what
 * became of it, and longer where it was not the owner who decided. `null` while it waits.
 */
export function lingers(state: StateName): number | null {
  switch (state) {
    case 'pending':
      return null;
    case 'approved':
    case 'running':
    case 'done':
    case 'denied':
      return 1_400;
    case 'expired':
    case 'withdrawn':
      return 5_000;
  }
}

/** What is shown after `current`: what was asked for meanwhile, if it still waits; else the one that has waited longest. */
export function following(
  waiting: readonly { id: string; created_at: string }[],
  current: string | null,
  wanted: string | null,
): string | null {
  const others = waiting.filter(({ id }) => id !== current);
  if (wanted !== null && others.some(({ id }) => id === wanted)) return wanted;
  const oldest = others.toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  return oldest[0]?.id ?? null;
}

/** What is said of the other requests: nothing before they are known, and nothing where none is shown. */
export function waitingWords(waiting: readonly { id: string }[] | undefined, shown: string | null): string {
  if (waiting === undefined || shown === null) return '';
  const others = waiting.filter(({ id }) => id !== shown).length;
  return others > 0 ? `${others} more waiting` : 'Nothing else is waiting';
}
