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
import {
  DESKTOP_PORT,
  OWNER_PASSWORD,
  RESTORE,
  SECOND_FACTOR,
  SECOND_FACTOR_BEGIN,
  SECOND_FACTOR_ENABLE,
  SECOND_FACTOR_RECOVERY_CODES,
  SETTINGS,
  withQuery,
} from '../host/paths';

export const read = () => host.request<Settings>('GET', SETTINGS);
export const patch = (change: Partial<Settings>) => host.request<Settings>('PATCH', SETTINGS, change);

export const setPort = (port: number) => host.request<Desktop>('PUT', DESKTOP_PORT, { port } satisfies Port);

export const factor = () => host.request<SecondFactor>('GET', SECOND_FACTOR);
export const beginFactor = () => host.request<SecondFactorSetup>('POST', SECOND_FACTOR_BEGIN);
export const enableFactor = (code: string) =>
  host.request<RecoveryCodes>('POST', SECOND_FACTOR_ENABLE, { code } satisfies Code);
export const newRecoveryCodes = () => host.request<RecoveryCodes>('POST', SECOND_FACTOR_RECOVERY_CODES);
export const dropFactor = () => host.request('DELETE', SECOND_FACTOR);

export const setOwnerPassword = (password: string) =>
  host.request('PUT', OWNER_PASSWORD, { new: password } satisfies SetOwnerPassword);
export const dropOwnerPassword = () => host.request('DELETE', OWNER_PASSWORD);

export const restore = (backup: Backup, dryRun: boolean) =>
  host.request<RestoreReport>('POST', withQuery(RESTORE, { dry_run: String(dryRun) }), backup);
