/** Whether requests arrive as notifications, in a sentence. */
import type { NotificationsState } from '../bindings/NotificationsState';

export function notificationWords({ reachable, buttons, server }: NotificationsState): string {
  const by = server === null || server === '' ? 'this desktop' : server;
  if (!reachable)
    return 'This desktop shows no notifications. A small window opens instead when an agent asks.';
  return buttons
    ? `Shown by ${by}, with buttons to approve and deny.`
    : `Shown by ${by}, without buttons. A small window opens as well when an agent asks.`;
}
