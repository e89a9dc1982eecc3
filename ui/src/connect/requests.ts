/** What the pages about clients ask of the gateway. Nothing is changed before a plan is applied. */
import type { Applied } from '../bindings/Applied';
import type { BackupView } from '../bindings/BackupView';
import type { ClientView } from '../bindings/ClientView';
import type { Items } from '../bindings/Items';
import type { PlanView } from '../bindings/PlanView';
import type { Pruned } from '../bindings/Pruned';
import type { WantPlan } from '../bindings/WantPlan';
import { host } from '../host';

const CLIENTS = '/control/clients';
const BACKUPS = `${CLIENTS}/backups`;

/** Every client there is, those found first; `folder` adds the files of a project. */
export async function list(folder: string | null): Promise<ClientView[]> {
  const asked = folder === null ? '' : `?${new URLSearchParams({ folder }).toString()}`;
  return (await host.request<Items<ClientView>>('GET', CLIENTS + asked)).items;
}

export const plan = (client: string, want: WantPlan) =>
  host.request<PlanView>('POST', `${CLIENTS}/${encodeURIComponent(client)}/plan`, want);
export const apply = (plan: string) =>
  host.request<Applied>('POST', `${CLIENTS}/plans/${encodeURIComponent(plan)}/apply`);

export const backups = async () => (await host.request<Items<BackupView>>('GET', BACKUPS)).items;
export const verify = async () => (await host.request<Items<BackupView>>('POST', `${BACKUPS}/verify`)).items;
export const prune = (olderThanDays: number) =>
  host.request<Pruned>('DELETE', `${BACKUPS}?older_than_days=${olderThanDays}`);
