/**
 * The requests that wait for the owner: calls, and agents that want to be let in. For the inbox, the badge, the title
 * and what is said aloud.
 */
import { getContext, setContext } from 'svelte';
import type { ApprovalView } from '../bindings/ApprovalView';
import type { ConsentView } from '../bindings/ConsentView';
import { list } from '../approvals/requests';
import { readWhenEnded } from '../consents/ended.svelte';
import { listWaiting } from '../consents/requests';
import { LiveQuery } from '../live/query.svelte';

const CALLS = Symbol('waiting calls');
const CONSENTS = Symbol('waiting consents');

export type Waiting = LiveQuery<string, ApprovalView[]>;
export type WaitingConsents = LiveQuery<string, ConsentView[]>;

export function provideWaiting(): Waiting {
  const waiting = new LiveQuery({
    key: () => 'pending',
    load: () => list('pending'),
    topics: ['approvals'],
  });
  return setContext(CALLS, waiting);
}

export function useWaiting(): Waiting {
  return getContext<Waiting>(CALLS);
}

export function provideConsents(): WaitingConsents {
  const consents = new LiveQuery({ key: () => 'waiting', load: listWaiting, topics: ['consents'] });
  readWhenEnded(
    () => consents.value ?? [],
    () => consents.reload(),
  );
  return setContext(CONSENTS, consents);
}

export function useConsents(): WaitingConsents {
  return getContext<WaitingConsents>(CONSENTS);
}

/** Every request that waits, in the order of the inbox; `undefined` until both lists are known, or can't be. */
export function everythingWaiting(
  calls: Waiting,
  consents: WaitingConsents,
): (ApprovalView | ConsentView)[] | undefined {
  if (calls.value === undefined || consents.waiting) return undefined;
  return [...(consents.value ?? []), ...calls.value];
}
