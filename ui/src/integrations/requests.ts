/** What the integrations pages ask of the gateway. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import type { ChangeIntegration } from '../bindings/ChangeIntegration';
import type { InstallAvailable } from '../bindings/InstallAvailable';
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Items } from '../bindings/Items';
import type { LogLine } from '../bindings/LogLine';
import type { ReplaceCredentials } from '../bindings/ReplaceCredentials';
import type { RuleView } from '../bindings/RuleView';
import type { SetCategoryPolicy } from '../bindings/SetCategoryPolicy';
import type { ToolView } from '../bindings/ToolView';
import { host } from '../host';

const at = (id: string) => `/control/integrations/${encodeURIComponent(id)}`;
const items = async <T>(path: string) => (await host.request<Items<T>>('GET', path)).items;

export const list = () => items<IntegrationView>('/control/integrations');
export const read = (id: string) => host.request<IntegrationView>('GET', at(id));
export const tools = (id: string) => items<ToolView>(`${at(id)}/tools`);
export const log = (id: string) => items<LogLine>(`${at(id)}/log`);
export const add = (body: AddIntegration) =>
  host.request<IntegrationView>('POST', '/control/integrations', body);
/** Ends an addition or an install that is under way. */
export const stopAdding = (id: string) => host.request('DELETE', `${at(id)}/adding`);
export const change = (id: string, body: ChangeIntegration) =>
  host.request<IntegrationView>('PATCH', at(id), body);
export const replaceCredentials = (id: string, body: ReplaceCredentials) =>
  host.request<IntegrationView>('PUT', `${at(id)}/credentials`, body);
export const restart = (id: string) => host.request<IntegrationView>('POST', `${at(id)}/restart`);
export const remove = (id: string) => host.request('DELETE', at(id));
export const setCategory = (body: SetCategoryPolicy) =>
  host.request<Items<RuleView>>('PUT', '/control/policy/category', body);

const offer = (id: string) => `/control/available/${encodeURIComponent(id)}`;

/** Those that fit what is searched for, best first; all of them by name where nothing is. */
export const available = (search: string) =>
  items<AvailableIntegration>(
    search === '' ? '/control/available' : `/control/available?q=${encodeURIComponent(search)}`,
  );
export const readAvailable = (id: string) => host.request<AvailableIntegration>('GET', offer(id));
export const install = (id: string, body: InstallAvailable) =>
  host.request<IntegrationView>('POST', `${offer(id)}/install`, body);
