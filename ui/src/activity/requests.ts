/** What the activity page asks of the gateway. */
import type { ActivityChart } from '../bindings/ActivityChart';
import type { ActivityPage } from '../bindings/ActivityPage';
import type { DefinitionView } from '../bindings/DefinitionView';
import { host } from '../host';
import { ACTIVITY, ACTIVITY_CHART, DEFINITION, fill, withQuery } from '../host/paths';

export const page = (query: string) => host.request<ActivityPage>('GET', withQuery(ACTIVITY, query));
export const chart = (query: string) => host.request<ActivityChart>('GET', withQuery(ACTIVITY_CHART, query));
export const definition = (digest: string) => host.request<DefinitionView>('GET', fill(DEFINITION, digest));
