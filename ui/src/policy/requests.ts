/** What is asked of the gateway about rules. */
import type { ChangeRule } from '../bindings/ChangeRule';
import type { Items } from '../bindings/Items';
import type { RepeatedDenial } from '../bindings/RepeatedDenial';
import type { RuleView } from '../bindings/RuleView';
import type { SetPolicy } from '../bindings/SetPolicy';
import { host } from '../host';
import { DENIAL, DENIALS, POLICY, POLICY_RULE, POLICY_RULE_RESTORE, fill } from '../host/paths';

export async function list(): Promise<RuleView[]> {
  return (await host.request<Items<RuleView>>('GET', POLICY)).items;
}

export const set = (body: SetPolicy) => host.request<RuleView>('PUT', POLICY, body);
export const change = (id: string, body: ChangeRule) =>
  host.request<RuleView>('PATCH', fill(POLICY_RULE, id), body);
export const remove = (id: string) => host.request('DELETE', fill(POLICY_RULE, id));
export const restore = (id: string) => host.request<RuleView>('POST', fill(POLICY_RULE_RESTORE, id));

/** Tools that are denied to an agent without asking, since the owner denied them to it several times. */
export async function denials(): Promise<RepeatedDenial[]> {
  return (await host.request<Items<RepeatedDenial>>('GET', DENIALS)).items;
}
export const askAgain = (id: string) => host.request('DELETE', fill(DENIAL, id));
