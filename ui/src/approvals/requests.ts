/** What the inbox asks of the gateway. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { Approve } from '../bindings/Approve';
import type { Deny } from '../bindings/Deny';
import type { Items } from '../bindings/Items';
import { host } from '../host';

const at = (id: string) => `/control/approvals/${encodeURIComponent(id)}`;

export async function list(state: 'pending' | 'missed' | 'decided'): Promise<ApprovalView[]> {
  const { items } = await host.request<Items<ApprovalView>>(
    'GET',
    `/control/approvals?state=${state}&limit=200`,
  );
  return items;
}

export const read = (id: string) => host.request<ApprovalView>('GET', at(id));

export const approve = (id: string, body: Approve) =>
  host.request<ApprovalView>('POST', `${at(id)}/approve`, body);

export const deny = (id: string, body: Deny) => host.request<ApprovalView>('POST', `${at(id)}/deny`, body);
