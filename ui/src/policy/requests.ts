/** What the policy page asks of the gateway. */
import type { Items } from '../bindings/Items';
import type { RuleView } from '../bindings/RuleView';
import type { SetPolicy } from '../bindings/SetPolicy';
import { host } from '../host';

export async function list(): Promise<RuleView[]> {
  return (await host.request<Items<RuleView>>('GET', '/control/policy')).items;
}

export const remove = (id: string) => host.request('DELETE', `/control/policy/${encodeURIComponent(id)}`);

export const restore = (body: SetPolicy) => host.request<RuleView>('PUT', '/control/policy', body);
