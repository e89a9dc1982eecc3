/** What is asked of the gateway about agents that want to be let in. */
import type { ApproveConsent } from '../bindings/ApproveConsent';
import type { ConsentView } from '../bindings/ConsentView';
import type { Items } from '../bindings/Items';
import { host } from '../host';
import { CONSENT, CONSENT_APPROVE, CONSENT_DENY, CONSENTS, fill } from '../host/paths';

/** Those that wait, oldest first. */
export async function listWaiting(): Promise<ConsentView[]> {
  const { items } = await host.request<Items<ConsentView>>('GET', CONSENTS);
  return items.filter(({ state }) => state === 'waiting');
}

export const read = (id: string) => host.request<ConsentView>('GET', fill(CONSENT, id));

export const letIn = (id: string, body: ApproveConsent) =>
  host.request('POST', fill(CONSENT_APPROVE, id), body);

export const refuse = (id: string) => host.request('POST', fill(CONSENT_DENY, id), {});
