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
 * `fresh` is the newest page, `shown` what stands on the screen, both newest first. Rows that changed (a call that
 * ended) are replaced, new ones stand above; older ones that were loaded stay. With a gap between the two, only
 * `fresh` is true.
 */
export function merge(shown: readonly ActivityRow[], fresh: readonly ActivityRow[]): ActivityRow[] {
  const news = new Set(fresh.map(({ id }) => id));
  const meets = shown.some(({ id }) => news.has(id));
  return meets ? [...fresh, ...shown.filter(({ id }) => !news.has(id))] : [...fresh];
}

/** `more` follows `shown`. */
export function append(shown: readonly ActivityRow[], more: readonly ActivityRow[]): ActivityRow[] {
  const known = new Set(shown.map(({ id }) => id));
  return [...shown, ...more.filter(({ id }) => !known.has(id))];
}
