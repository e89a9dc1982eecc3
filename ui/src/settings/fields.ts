/** The settings with their bounds, as the gateway has them, and what they mean. */
import type { Settings } from '../bindings/Settings';

export interface SettingField {
  name: keyof Settings;
  label: string;
  hint: string;
  unit: string;
  least: number;
  most: number;
}

export const FIELDS: readonly SettingField[] = [
  {
    name: 'approval_expiry_minutes',
    label: 'A request waits for',
    hint: 'Then it expires and is kept as missed. It never runs by itself.',
    unit: 'minutes',
    least: 1,
    most: 1440,
  },
  {
    name: 'pending_per_agent',
    label: 'Requests of one agent at once',
    hint: 'More are refused until you have decided some.',
    unit: 'requests',
    least: 1,
    most: 100,
  },
  {
    name: 'calls_per_minute',
    label: 'Calls of one agent in a minute',
    hint: '0 for no limit.',
    unit: 'calls',
    least: 0,
    most: 4_294_967_295,
  },
  {
    name: 'call_timeout_seconds',
    label: 'An integration has to answer within',
    hint: 'A call that reports progress may take up to four times as long.',
    unit: 'seconds',
    least: 1,
    most: 3600,
  },
  {
    name: 'idle_stop_minutes',
    label: 'Stop idle local servers after',
    hint: 'They start again with the next call.',
    unit: 'minutes',
    least: 1,
    most: 1440,
  },
  {
    name: 'activity_retention_days',
    label: 'Keep activity for',
    hint: 'Older rows are deleted. The audit log is kept.',
    unit: 'days',
    least: 1,
    most: 3650,
  },
];

/** Why `text` can't be the value of `field`, or `null`. */
export function wrong({ least, most }: SettingField, text: string): string | null {
  if (!/^\d+$/.test(text.trim())) return 'A whole number, please.';
  const value = Number(text);
  if (value < least) return `At least ${least}.`;
  return value > most ? `At most ${most}.` : null;
}

/** What was changed and is usable, or `null` while something is not. */
export function changes(
  settings: Settings,
  typed: Partial<Record<keyof Settings, string>>,
): Partial<Settings> | null {
  const changed: Partial<Settings> = {};
  for (const field of FIELDS) {
    const text = typed[field.name];
    if (text === undefined) continue;
    if (wrong(field, text) !== null) return null;
    if (Number(text) !== settings[field.name]) changed[field.name] = Number(text);
  }
  return changed;
}
