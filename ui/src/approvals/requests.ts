/** What the inbox asks of the gateway. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { Approve } from '../bindings/Approve';
import type { Deny } from '../bindings/Deny';
import type { Items } from '../bindings/Items';
import type { Settings } from '../bindings/Settings';
import { host } from '../host';
import { APPROVAL, APPROVALS, APPROVE, DENY, fill, SETTINGS, withQuery } from '../host/paths';
import { hasUnseen } from './missed';

export async function list(state: 'pending' | 'missed' | 'decided'): Promise<ApprovalView[]> {
  const { items } = await host.request<Items<ApprovalView>>(
    'GET',
    withQuery(APPROVALS, { state, limit: '200' }),
  );
  return items;
}

export const read = (id: string) => host.request<ApprovalView>('GET', fill(APPROVAL, id));

export const approve = (id: string, body: Approve) =>
  host.request<ApprovalView>('POST', fill(APPROVE, id), body);

export const deny = (id: string, body: Deny) => host.request<ApprovalView>('POST', fill(DENY, id), body);

/** Keeps that the owner has looked at what was missed, where something of it is new to them. */
export async function markSeen(missed: readonly ApprovalView[]): Promise<void> {
  if (!hasUnseen(missed, await host.request<Settings>('GET', SETTINGS))) return;
  await host.request('PATCH', SETTINGS, { missed_seen_at: new Date().toISOString() });
}
