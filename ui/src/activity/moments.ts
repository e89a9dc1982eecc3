/** Stretches of time as the owner picks them. Pure. */

export type Past = '' | '1h' | '24h' | '7d' | '30d' | 'between';

const HOUR = 3_600_000;

export const PASTS: readonly { value: Past; label: string }[] = [
  { value: '', label: 'Any time' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
  { value: 'between', label: 'Between…' },
];

const LENGTHS: Partial<Record<Past, number>> = {
  '1h': HOUR,
  '24h': 24 * HOUR,
  '7d': 7 * 24 * HOUR,
  '30d': 30 * 24 * HOUR,
};

/** Where a past begins, to the minute; empty where it has no beginning of its own. */
export function beginning(past: Past, now: number): string {
  const length = LENGTHS[past];
  return length === undefined ? '' : new Date(Math.floor((now - length) / 60_000) * 60_000).toISOString();
}

/** A moment as a field for date and time wants it, on the owner's clock: `2026-01-31T12:00`. */
export function fieldOf(moment: string): string {
  const at = new Date(moment);
  if (moment === '' || Number.isNaN(at.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** And back; empty where the field is not filled. */
export function momentOf(field: string): string {
  const at = new Date(field);
  return field === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}
