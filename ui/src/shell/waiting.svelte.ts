/** The requests that wait for the owner: for the inbox, the badge, the title and what is said aloud. */
import { getContext, setContext } from 'svelte';
import type { ApprovalView } from '../bindings/ApprovalView';
import { list } from '../approvals/requests';
import { LiveQuery } from '../live/query.svelte';

const KEY = Symbol('waiting');

export type Waiting = LiveQuery<string, ApprovalView[]>;

export function provideWaiting(): Waiting {
  const waiting = new LiveQuery({
    key: () => 'pending',
    load: () => list('pending'),
    topics: ['approvals'],
  });
  return setContext(KEY, waiting);
}

export function useWaiting(): Waiting {
  return getContext<Waiting>(KEY);
}
