/** What the integrations pages ask of the gateway. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { AddProgress } from '../bindings/AddProgress';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import type { ChangeIntegration } from '../bindings/ChangeIntegration';
import type { ClassifyTool } from '../bindings/ClassifyTool';
import type { CommandPreview } from '../bindings/CommandPreview';
import type { FieldValues } from '../bindings/FieldValues';
import type { ImportSource } from '../bindings/ImportSource';
import type { ServerFileView } from '../bindings/ServerFileView';
import type { InstallAvailable } from '../bindings/InstallAvailable';
import type { InstallImport } from '../bindings/InstallImport';
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Items } from '../bindings/Items';
import type { LogLine } from '../bindings/LogLine';
import type { PinPackage } from '../bindings/PinPackage';
import type { ReplaceCredentials } from '../bindings/ReplaceCredentials';
import type { RuleView } from '../bindings/RuleView';
import type { SetCategoryPolicy } from '../bindings/SetCategoryPolicy';
import type { ToolView } from '../bindings/ToolView';
import { host } from '../host';
import {
  DIRECTORY,
  DIRECTORY_ENTRY,
  DIRECTORY_INSTALL,
  DIRECTORY_PREVIEW,
  IMPORT_INSTALL,
  IMPORT_PREVIEW,
  IMPORT_READ,
  INTEGRATION,
  INTEGRATIONS,
  INTEGRATION_ADDING,
  INTEGRATION_CREDENTIALS,
  INTEGRATION_LOG,
  INTEGRATION_PIN,
  INTEGRATION_RESTART,
  INTEGRATION_TOOLS,
  INTEGRATION_TOOL_EFFECT,
  POLICY_CATEGORY,
  fill,
  withQuery,
} from '../host/paths';

const items = async <T>(path: string) => (await host.request<Items<T>>('GET', path)).items;

export const list = () => items<IntegrationView>(INTEGRATIONS);
export const read = (id: string) => host.request<IntegrationView>('GET', fill(INTEGRATION, id));
export const tools = (id: string) => items<ToolView>(fill(INTEGRATION_TOOLS, id));
export const classify = (id: string, body: ClassifyTool) =>
  host.request<ToolView>('PUT', fill(INTEGRATION_TOOL_EFFECT, id), body);
export const log = (id: string) => items<LogLine>(fill(INTEGRATION_LOG, id));
export const add = (body: AddIntegration) => host.request<IntegrationView>('POST', INTEGRATIONS, body);
/** What an addition or an install that is under way waits for. */
export const addProgress = (attempt: string) =>
  host.request<AddProgress>('GET', fill(INTEGRATION_ADDING, attempt));
/** Ends an addition or an install that is under way. */
export const stopAdding = (id: string) => host.request('DELETE', fill(INTEGRATION_ADDING, id));
export const change = (id: string, body: ChangeIntegration) =>
  host.request<IntegrationView>('PATCH', fill(INTEGRATION, id), body);
export const replaceCredentials = (id: string, body: ReplaceCredentials) =>
  host.request<IntegrationView>('PUT', fill(INTEGRATION_CREDENTIALS, id), body);
export const restart = (id: string) => host.request<IntegrationView>('POST', fill(INTEGRATION_RESTART, id));
/** Makes a local server run one version of its package. */
export const pin = (id: string, body: PinPackage) =>
  host.request<IntegrationView>('POST', fill(INTEGRATION_PIN, id), body);
export const remove = (id: string) => host.request('DELETE', fill(INTEGRATION, id));
export const setCategory = (body: SetCategoryPolicy) =>
  host.request<Items<RuleView>>('PUT', POLICY_CATEGORY, body);

/** Those that fit what is searched for, best first; all of them by name where nothing is. */
export const available = (search: string) =>
  items<AvailableIntegration>(withQuery(DIRECTORY, search === '' ? {} : { q: search }));
export const readAvailable = (id: string) =>
  host.request<AvailableIntegration>('GET', fill(DIRECTORY_ENTRY, id));
export const install = (id: string, body: InstallAvailable) =>
  host.request<IntegrationView>('POST', fill(DIRECTORY_INSTALL, id), body);
/** What a local server of the directory would run with these values. */
export const preview = (id: string, values: FieldValues) =>
  host.request<CommandPreview>('POST', fill(DIRECTORY_PREVIEW, id), values);

/** What a file describes; nothing of it is kept. */
export const readImport = (source: ImportSource) => host.request<ServerFileView>('POST', IMPORT_READ, source);
export const previewImport = (body: InstallImport) =>
  host.request<CommandPreview>('POST', IMPORT_PREVIEW, body);
export const installImport = (body: InstallImport) =>
  host.request<IntegrationView>('POST', IMPORT_INSTALL, body);
