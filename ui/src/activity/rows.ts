/** The rows of the activity as they come in pages and by events. Pure. */
import type { ActivityRow } from '../bindings/ActivityRow';
import type { OutcomeKind } from '../bindings/OutcomeKind';

export interface Filter {
  agent: string;
  integration: string;
  outcome: OutcomeKind | '';
  q: string;
}

export const NO_FILTER: Filter = { agent: '', integration: '', outcome: '', q: '' };

export function query(filter: Filter, limit: number, before: string | null = null): string {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filter)) {
    if (value.trim() !== '') query.set(name, value.trim());
  }
  if (before !== null) query.set('before', before);
  return query.toString();
}

/**
 * `fresh` is the newest page, `shown` what stands on the screen, both newest first. As far down as `fresh` goes, it
 * alone is true: rows that changed (a call that ended) are replaced, those that no longer match are gone, new ones
 * stand above. Older ones that were loaded stay, unless there is a gap between the two.
 */
export function merge(shown: readonly ActivityRow[], fresh: readonly ActivityRow[]): ActivityRow[] {
  const news = new Set(fresh.map(({ id }) => id));
  const end = fresh.at(-1)?.id;
  const at = shown.findIndex(({ id }) => id === end);
  return at === -1 ? [...fresh] : [...fresh, ...shown.slice(at + 1).filter(({ id }) => !news.has(id))];
}

/** How far down the rows can still change by themselves: up to the last call that has not ended. */
export function unsettled(rows: readonly ActivityRow[]): number {
  return rows.findLastIndex(({ outcome }) => outcome === 'running' || outcome === 'pending') + 1;
}

/** `more` follows `shown`. */
export function append(shown: readonly ActivityRow[], more: readonly ActivityRow[]): ActivityRow[] {
  const known = new Set(shown.map(({ id }) => id));
  return [...shown, ...more.filter(({ id }) => !known.has(id))];
}
