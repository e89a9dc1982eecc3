/**
 * Moments and lengths of time in words. Pure: `now` is always given, in milliseconds since the epoch.
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, roughly: `just now` within the first minute, `4 min ago`, `yesterday`, `12 days ago`. */
export function ago(at: string, now: number): string {
  const past = now - Date.parse(at);
  if (past < MINUTE) return 'just now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h ago`;
  const days = Math.floor(past / DAY);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** How long until then, roughly: `in 4 min`, `in 2 h`, `in 3 days`; `now` when it is past. */
export function ahead(at: string, now: number): string {
  const left = Date.parse(at) - now;
  if (left <= 0) return 'now';
  if (left < MINUTE) return `in ${Math.ceil(left / SECOND)} s`;
  if (left < HOUR) return `in ${Math.ceil(left / MINUTE)} min`;
  if (left < 2 * DAY) return `in ${Math.round(left / HOUR)} h`;
  return `in ${Math.round(left / DAY)} days`;
}

/** A countdown: `9:05`, `1:02:03`; never below `0:00`. Rounds up, so that `0:00` means over. */
export function countdown(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / SECOND));
  const seconds = String(total % 60).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

const MILESTONES = [300, 120, 60, 30, 10];

/**
 * What a countdown says aloud: changes only when a milestone is passed, so that a screen reader speaks five times and
 * not six hundred. Empty above five minutes.
 */
export function milestone(ms: number): string {
  if (ms <= 0) return 'Expired';
  const passed = MILESTONES.filter((seconds) => ms <= seconds * SECOND).at(-1);
  if (passed === undefined) return '';
  return passed >= 120
    ? `${passed / 60} minutes left`
    : passed === 60
      ? 'One minute left'
      : `${passed} seconds left`;
}

/** A length of time that was measured, in milliseconds: `0.4 ms`, `12 ms`, `1.4 s`, `2 min 5 s`, `3 h 20 min`. */
export function span(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return two(ms, MINUTE, 'min', SECOND, 's');
  return two(ms, HOUR, 'h', MINUTE, 'min');
}

function two(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms % big) / small);
  return rest === 0 ? `${whole} ${bigName}` : `${whole} ${bigName} ${rest} ${smallName}`;
}

/** The hour on the owner's clock, with the day where it is not today's. */
export function clockTime(at: string, now: number, locale?: string, timeZone?: string): string {
  const then = new Date(at);
  const zone = timeZone === undefined ? {} : { timeZone };
  const day = (date: Date) => new Intl.DateTimeFormat('en-CA', zone).format(date);
  const format: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...zone };
  if (day(then) !== day(new Date(now))) {
    format.day = 'numeric';
    format.month = 'short';
    if (day(then).slice(0, 4) !== day(new Date(now)).slice(0, 4)) format.year = 'numeric';
  }
  return new Intl.DateTimeFormat(locale, format).format(then);
}

/** The whole moment, to the second: for titles and stories. */
export function fullTime(at: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }).format(
    new Date(at),
  );
}
