/** What the activity page asks of the gateway. */
import type { ActivityChart } from '../bindings/ActivityChart';
import type { ActivityPage } from '../bindings/ActivityPage';
import type { DefinitionView } from '../bindings/DefinitionView';
import { host } from '../host';

export const page = (query: string) => host.request<ActivityPage>('GET', `/control/activity?${query}`);
export const chart = (query: string) =>
  host.request<ActivityChart>('GET', `/control/activity/chart?${query}`);
export const definition = (digest: string) =>
  host.request<DefinitionView>('GET', `/control/definitions/${encodeURIComponent(digest)}`);
