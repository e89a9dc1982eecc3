/** What the pages about clients ask of the gateway. Nothing is changed before a plan is applied. */
import type { Applied } from '../bindings/Applied';
import type { BackupView } from '../bindings/BackupView';
import type { ClientView } from '../bindings/ClientView';
import type { Items } from '../bindings/Items';
import type { PlanView } from '../bindings/PlanView';
import type { Pruned } from '../bindings/Pruned';
import type { PlanRequest } from '../bindings/PlanRequest';
import { host } from '../host';
import {
  CLIENTS,
  CLIENT_BACKUPS,
  CLIENT_BACKUPS_VERIFY,
  CLIENT_PLAN,
  CLIENT_PLAN_APPLY,
  fill,
  withQuery,
} from '../host/paths';

/** Every client there is, those found first; `folder` adds the files of a project. */
export async function list(folder: string | null): Promise<ClientView[]> {
  return (await host.request<Items<ClientView>>('GET', withQuery(CLIENTS, folder === null ? {} : { folder })))
    .items;
}

export const plan = (client: string, want: PlanRequest) =>
  host.request<PlanView>('POST', fill(CLIENT_PLAN, client), want);
export const apply = (plan: string) => host.request<Applied>('POST', fill(CLIENT_PLAN_APPLY, plan));

export const backups = async () => (await host.request<Items<BackupView>>('GET', CLIENT_BACKUPS)).items;
export const verify = async () =>
  (await host.request<Items<BackupView>>('POST', CLIENT_BACKUPS_VERIFY)).items;
export const prune = (olderThanDays: number) =>
  host.request<Pruned>('DELETE', withQuery(CLIENT_BACKUPS, { older_than_days: String(olderThanDays) }));
