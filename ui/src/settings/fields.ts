/** The settings with their bounds, as the gateway has them, and what they mean. */
import type { Settings } from '../bindings/Settings';
import { HIGHEST, LOWEST } from '../session/port';

/** Those that are numbers, but for the ports, which move addresses. */
type Counted =
  | 'approval_expiry_minutes'
  | 'pending_per_agent'
  | 'calls_per_minute'
  | 'call_timeout_seconds'
  | 'idle_stop_minutes'
  | 'activity_retention_days';

export interface SettingField {
  name: Counted | 'port' | 'external_port';
  group: 'approvals' | 'calls' | 'history' | 'connection';
  label: string;
  hint: string;
  unit: string;
  least: number;
  most: number;
}

export const FIELDS: readonly SettingField[] = [
  {
    name: 'approval_expiry_minutes',
    group: 'approvals',
    label: 'A request waits for',
    hint: 'Then it expires and is kept as missed. It never runs by itself.',
    unit: 'minutes',
    least: 1,
    most: 1440,
  },
  {
    name: 'pending_per_agent',
    group: 'approvals',
    label: 'Requests of one agent at once',
    hint: 'More are refused until you have decided some.',
    unit: 'requests',
    least: 1,
    most: 100,
  },
  {
    name: 'calls_per_minute',
    group: 'calls',
    label: 'Calls of one agent in a minute',
    hint: '0 for no limit.',
    unit: 'calls',
    least: 0,
    most: 1_000_000,
  },
  {
    name: 'call_timeout_seconds',
    group: 'calls',
    label: 'An integration has to answer within',
    hint: 'A call that reports progress may take up to four times as long.',
    unit: 'seconds',
    least: 1,
    most: 3600,
  },
  {
    name: 'idle_stop_minutes',
    group: 'calls',
    label: 'Stop idle local servers after',
    hint: 'They start again with the next call.',
    unit: 'minutes',
    least: 1,
    most: 1440,
  },
  {
    name: 'activity_retention_days',
    group: 'history',
    label: 'Keep activity for',
    hint: 'Older rows are deleted. The audit log is kept.',
    unit: 'days',
    least: 1,
    most: 3650,
  },
];

export const PORT: SettingField = {
  name: 'port',
  group: 'connection',
  label: 'Port',
  hint: 'Agents’ configurations name it: change it there too.',
  unit: '',
  least: LOWEST,
  most: HIGHEST,
};

/** Where a reverse proxy or tunnel on this computer finds what serves the external URL. */
export const EXTERNAL_PORT: SettingField = {
  name: 'external_port',
  group: 'connection',
  label: 'Port for the proxy',
  hint: 'On this computer only. Your proxy or tunnel forwards to it.',
  unit: '',
  least: LOWEST,
  most: HIGHEST,
};

/** Why `text` can't be the value of `field`, or `null`. */
export function wrong({ least, most }: SettingField, text: string): string | null {
  if (!/^\d+$/.test(text.trim())) return 'A whole number, please.';
  const value = Number(text);
  if (value < least) return `At least ${least}.`;
  return value > most ? `At most ${most}.` : null;
}

/** What `change` would have to be to take it back. */
export function back(settings: Settings, change: Partial<Settings>): Partial<Settings> {
  const names = Object.keys(change) as (keyof Settings)[];
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}
