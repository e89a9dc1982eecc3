/** What the welcome asks of the gateway, and of the desktop app around it. */
import type { Autostart } from '../bindings/Autostart';
import type { Desktop } from '../bindings/Desktop';
import type { Settings } from '../bindings/Settings';
import { host } from '../host';

/** The welcome is not shown by itself again. */
export const welcomed = () =>
  host.request<Settings>('PATCH', '/control/settings', { welcomed: true } satisfies Partial<Settings>);

export const desktop = () => host.request<Desktop>('GET', '/desktop');
export const setAutostart = (on: boolean) =>
  host.request('PUT', '/desktop/autostart', { on } satisfies Autostart);
export const testNotification = () => host.request('POST', '/desktop/test-notification');
