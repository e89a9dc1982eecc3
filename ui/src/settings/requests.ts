/** What the settings page asks of the gateway, and of the desktop app around it. */
import type { Backup } from '../bindings/Backup';
import type { Code } from '../bindings/Code';
import type { Desktop } from '../bindings/Desktop';
import type { Port } from '../bindings/Port';
import type { RecoveryCodes } from '../bindings/RecoveryCodes';
import type { RestoreReport } from '../bindings/RestoreReport';
import type { SecondFactor } from '../bindings/SecondFactor';
import type { SecondFactorSetup } from '../bindings/SecondFactorSetup';
import type { SetOwnerPassword } from '../bindings/SetOwnerPassword';
import type { Settings } from '../bindings/Settings';
import { host } from '../host';

export const read = () => host.request<Settings>('GET', '/control/settings');
export const patch = (change: Partial<Settings>) =>
  host.request<Settings>('PATCH', '/control/settings', change);

export const setPort = (port: number) =>
  host.request<Desktop>('PUT', '/desktop/port', { port } satisfies Port);

const FACTOR = '/control/second-factor';
export const factor = () => host.request<SecondFactor>('GET', FACTOR);
export const beginFactor = () => host.request<SecondFactorSetup>('POST', `${FACTOR}/begin`);
export const enableFactor = (code: string) =>
  host.request<RecoveryCodes>('POST', `${FACTOR}/enable`, { code } satisfies Code);
export const newRecoveryCodes = () => host.request<RecoveryCodes>('POST', `${FACTOR}/recovery-codes`);
export const dropFactor = () => host.request('DELETE', FACTOR);

export const setOwnerPassword = (password: string) =>
  host.request('PUT', '/control/owner-password', { new: password } satisfies SetOwnerPassword);
export const dropOwnerPassword = () => host.request('DELETE', '/control/owner-password');

export const restore = (backup: Backup, dryRun: boolean) =>
  host.request<RestoreReport>('POST', `/control/restore?dry_run=${dryRun}`, backup);
