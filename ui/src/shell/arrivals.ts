/** Which requests came since last time, and how that is said aloud. Pure. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { ConsentView } from '../bindings/ConsentView';
import { nameText } from '../format/names';
import { visible } from '../format/visible';

type Request = Pick<ApprovalView, 'id' | 'agent_name' | 'summary'> | Pick<ConsentView, 'id' | 'client_name'>;

export function arrivals<R extends Pick<Request, 'id'>>(
  known: ReadonlySet<string>,
  waiting: readonly R[],
): R[] {
  return waiting.filter(({ id }) => !known.has(id));
}

/** Empty when nothing came. */
export function announcement(came: readonly Request[]): string {
  const [first] = came;
  if (first === undefined) return '';
  if (came.length > 1) return `${came.length} new requests are waiting for you`;
  return 'client_name' in first
    ? `An agent that calls itself ${nameText(first.client_name)} wants in`
    : `New request from ${nameText(first.agent_name)}: ${visible(first.summary)}`;
}

export function documentTitle(page: string, waiting: number): string {
  return `${waiting > 0 ? `(${waiting}) ` : ''}${page} – AgentPort`;
}
