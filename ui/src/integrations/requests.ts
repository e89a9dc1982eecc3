/** What the integrations pages ask of the gateway. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { ChangeIntegration } from '../bindings/ChangeIntegration';
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Items } from '../bindings/Items';
import type { LogLine } from '../bindings/LogLine';
import type { ReplaceCredentials } from '../bindings/ReplaceCredentials';
import type { RuleView } from '../bindings/RuleView';
import type { SetPolicy } from '../bindings/SetPolicy';
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
export const change = (id: string, body: ChangeIntegration) =>
  host.request<IntegrationView>('PATCH', at(id), body);
export const replaceCredentials = (id: string, body: ReplaceCredentials) =>
  host.request<IntegrationView>('PUT', `${at(id)}/credentials`, body);
export const restart = (id: string) => host.request<IntegrationView>('POST', `${at(id)}/restart`);
export const remove = (id: string) => host.request('DELETE', at(id));
export const setMode = (body: SetPolicy) => host.request<RuleView>('PUT', '/control/policy', body);
