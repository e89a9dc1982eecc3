/** The rows of the activity as they come in pages and by events. Pure. */
import { notPickedUpYet } from '../format/approvals';
import { OUTCOMES, type OutcomeWords } from '../format/labels';
import type { ActivityRow } from '../bindings/ActivityRow';
import type { OutcomeKind } from '../bindings/OutcomeKind';
import type { Past } from './moments';
import { ACTIVITY_EXPORT, withQuery } from '../host/paths';

/** Which calls are looked at; an empty field asks for nothing. */
export interface Filter {
  agent: string;
  integration: string;
  tool: string;
  outcome: OutcomeKind | '';
  /** How the stretch of time was picked. The gateway is asked for its moments, and never told. */
  past: Past;
  /** From this moment on (RFC 3339). */
  since: string;
  /** Until before this moment. */
  until: string;
  q: string;
}

export const NO_FILTER: Filter = {
  agent: '',
  integration: '',
  tool: '',
  outcome: '',
  past: '',
  since: '',
  until: '',
  q: '',
};

/** Does it ask for anything? */
export function narrows(filter: Filter): boolean {
  return asked(filter) !== '';
}

/** What a request is asked with, besides what is `fixed` for it. */
export function asked({ past: _, ...filter }: Partial<Filter>, fixed: Record<string, string> = {}): string {
  const query = new URLSearchParams(fixed);
  for (const [name, value] of Object.entries(filter)) {
    if (value.trim() !== '' && !query.has(name)) query.set(name, value.trim());
  }
  return query.toString();
}

/** A page of the list. */
export function query(filter: Filter, limit: number, before: string | null = null): string {
  return asked(filter, { limit: String(limit), ...(before === null ? {} : { before }) });
}

export type ExportFormat = 'jsonl' | 'csv';

/** Where everything that matches can be had as a file, and what the file is called. */
export function exported(filter: Filter, format: ExportFormat, now: Date): { path: string; name: string } {
  return {
    path: withQuery(ACTIVITY_EXPORT, asked(filter, { format })),
    name: `agentport-activity-${now.toISOString().slice(0, 10)}.${format}`,
  };
}

/** What a row says of its outcome: a call that waits for its agent, and no longer for the owner, says so. */
export function rowOutcome({
  outcome,
  approval_state,
}: Pick<ActivityRow, 'outcome' | 'approval_state'>): OutcomeWords {
  if (outcome === 'pending' && approval_state === 'approved') {
    return {
      ...OUTCOMES.not_picked_up,
      meaning: `You approved it. ${notPickedUpYet('The agent')}`,
    };
  }
  return OUTCOMES[outcome];
}

/** Rows above `top` came since the owner looked, and stand aside until asked for. */
export function sinceThen<R extends Pick<ActivityRow, 'id'>>(
  rows: readonly R[],
  top: string | null,
): { fresh: number; shown: readonly R[] } {
  const fresh =
    top === null
      ? 0
      : Math.max(
          0,
          rows.findIndex(({ id }) => id === top),
        );
  return { fresh, shown: rows.slice(fresh) };
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
