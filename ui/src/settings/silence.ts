/** For how long notifications are silent. Pure. */

export type Silence = '15' | '60' | 'tomorrow';

export const SILENCES: readonly { value: Silence; label: string }[] = [
  { value: '15', label: '15 minutes' },
  { value: '60', label: '1 hour' },
  { value: 'tomorrow', label: 'Until tomorrow' },
];

/** When the day begins for who is silent until tomorrow. */
const MORNING = 8;

/** Until when; tomorrow is the next day's morning on the owner's clock. */
export function silentUntil(silence: Silence, now: number): string {
  if (silence !== 'tomorrow') return new Date(now + Number(silence) * 60_000).toISOString();
  const morning = new Date(now);
  morning.setDate(morning.getDate() + 1);
  morning.setHours(MORNING, 0, 0, 0);
  return morning.toISOString();
}
