/** Which missed requests the owner has not looked at yet. Pure. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { Settings } from '../bindings/Settings';

export function hasUnseen(
  missed: readonly Pick<ApprovalView, 'state'>[],
  settings: Pick<Settings, 'missed_seen_at'> | undefined,
): boolean {
  if (settings?.missed_seen_at === undefined) return false;
  const seen = settings.missed_seen_at === null ? 0 : Date.parse(settings.missed_seen_at);
  return missed.some(({ state }) => state.state === 'expired' && Date.parse(state.at) > seen);
}
