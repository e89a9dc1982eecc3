/** What the activity page asks of the gateway. */
import type { ActivityPage } from '../bindings/ActivityPage';
import { host } from '../host';

export const page = (query: string) => host.request<ActivityPage>('GET', `/control/activity?${query}`);
