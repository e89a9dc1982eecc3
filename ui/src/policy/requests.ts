/** What is asked of the gateway about rules. */
import type { ChangeRule } from '../bindings/ChangeRule';
import type { Items } from '../bindings/Items';
import type { RuleView } from '../bindings/RuleView';
import type { SetPolicy } from '../bindings/SetPolicy';
import { host } from '../host';

const at = (id: string) => `/control/policy/${encodeURIComponent(id)}`;

export async function list(): Promise<RuleView[]> {
  return (await host.request<Items<RuleView>>('GET', '/control/policy')).items;
}

export const set = (body: SetPolicy) => host.request<RuleView>('PUT', '/control/policy', body);
export const change = (id: string, body: ChangeRule) => host.request<RuleView>('PATCH', at(id), body);
export const remove = (id: string) => host.request('DELETE', at(id));
export const restore = (id: string) => host.request<RuleView>('POST', `${at(id)}/restore`);
