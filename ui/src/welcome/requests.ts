/** What the welcome asks of the gateway, and of the desktop app around it. */
import type { Autostart } from '../bindings/Autostart';
import type { Desktop } from '../bindings/Desktop';
import type { Settings } from '../bindings/Settings';
import { host } from '../host';
import { DESKTOP, DESKTOP_AUTOSTART, DESKTOP_TEST_NOTIFICATION, SETTINGS } from '../host/paths';

/** The welcome is not shown by itself again. */
export const welcomed = () =>
  host.request<Settings>('PATCH', SETTINGS, { welcomed: true } satisfies Partial<Settings>);

export const desktop = () => host.request<Desktop>('GET', DESKTOP);
export const setAutostart = (on: boolean) =>
  host.request('PUT', DESKTOP_AUTOSTART, { on } satisfies Autostart);
export const testNotification = () => host.request('POST', DESKTOP_TEST_NOTIFICATION);
