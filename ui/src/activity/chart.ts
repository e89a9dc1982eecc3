/**
 * The chart of calls over time: which stretch it shows, how high its bars are, and how it is said in words. Pure.
 */
import type { ActivityChart } from '../bindings/ActivityChart';
import type { ChartBucket } from '../bindings/ChartBucket';
import { count } from '../format/labels';

export type Part = 'ran' | 'failed' | 'stopped' | 'undecided';

/** From the bottom of a bar to its top. */
export const PARTS: readonly { part: Part; label: string }[] = [
  { part: 'ran', label: 'Ran' },
  { part: 'failed', label: 'Failed' },
  { part: 'stopped', label: 'Stopped' },
  { part: 'undecided', label: 'Waiting or missed' },
];

export type Range = '24h' | '7d' | '30d';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const RANGES: readonly { value: Range; label: string; words: string }[] = [
  { value: '24h', label: '24 h', words: 'in the last 24 hours' },
  { value: '7d', label: '7 d', words: 'in the last 7 days' },
  { value: '30d', label: '30 d', words: 'in the last 30 days' },
];

const BUCKETS: Record<Range, { each: number; many: number }> = {
  '24h': { each: 30 * MINUTE, many: 48 },
  '7d': { each: 6 * HOUR, many: 28 },
  '30d': { each: DAY, many: 30 },
};

/** What a chart is asked for; moments in RFC 3339. */
export interface Stretch {
  since: string;
  until: string;
  buckets: number;
}

/**
 * The stretch that ends with the present bucket. Buckets begin at round times of the owner's clock.
 * @param offset minutes that the owner's clock is behind UTC, as `Date.getTimezoneOffset` has it
 */
export function recent(range: Range, now: number, offset: number): Stretch {
  const { each, many } = BUCKETS[range];
  const shift = offset * MINUTE;
  const until = Math.floor((now - shift) / each) * each + each + shift;
  return { since: iso(until - each * many), until: iso(until), buckets: many };
}

/** The stretch a filter names, in as many buckets as make sense. An open beginning is a month before the end. */
export function chosen(since: string, until: string, now: number): Stretch {
  const end = until === '' ? now : Date.parse(until);
  const start = since === '' ? end - 30 * DAY : Date.parse(since);
  const minutes = Math.max(1, Math.ceil((end - start) / MINUTE));
  return { since: iso(start), until: iso(Math.max(end, start + MINUTE)), buckets: Math.min(48, minutes) };
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}

export function total(bucket: ChartBucket): number {
  return PARTS.reduce((sum, { part }) => sum + bucket[part], 0);
}

/** All buckets as one. */
export function sum(buckets: readonly ChartBucket[]): ChartBucket {
  const all: ChartBucket = { ran: 0, failed: 0, stopped: 0, undecided: 0, asked: 0 };
  for (const bucket of buckets) {
    for (const { part } of PARTS) all[part] += bucket[part];
    all.asked += bucket.asked;
  }
  return all;
}

/** The top of the scale: a round number at or above `most` that can be halved. */
export function ceiling(most: number): number {
  if (most <= 2) return 2;
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 4, 6, 8, 10]) {
    if (step * power >= most) return step * power;
  }
  return 10 * power;
}

export interface Piece {
  part: Part;
  /** Share of the whole height: where it begins from the top, and how high it is. */
  y: number;
  height: number;
}

/** The pieces of one bar, of which none that stands for anything is too thin to be seen. */
export function pieces(bucket: ChartBucket, top: number, thinnest = 0.02): Piece[] {
  const drawn = PARTS.filter(({ part }) => bucket[part] > 0).map(({ part }) => ({
    part,
    height: Math.max(thinnest, bucket[part] / top),
  }));
  // What was made thicker is taken from the others, so that no bar leaves the chart.
  const whole = drawn.reduce((height, piece) => height + piece.height, 0);
  const shrink = whole > 1 ? 1 / whole : 1;
  let y = 1;
  return drawn.map(({ part, height }) => {
    y -= height * shrink;
    return { part, y: Math.max(0, y), height: height * shrink };
  });
}

/** When a bucket begins and ends. */
export function stretchOf({ since, bucket_ms }: ActivityChart, at: number): { since: string; until: string } {
  const start = Date.parse(since) + at * bucket_ms;
  return { since: iso(start), until: iso(start + bucket_ms) };
}

/** What the axis says, at most `most` of them, evenly apart, each with the bucket it stands under. */
export function marks(
  chart: ActivityChart,
  most: number,
  locale?: string,
  timeZone?: string,
): { at: number; text: string }[] {
  const many = chart.buckets.length;
  if (many === 0) return [];
  const apart = Math.max(1, Math.ceil(many / most));
  const zone = timeZone === undefined ? {} : { timeZone };
  const days = chart.bucket_ms * apart >= DAY;
  const format = new Intl.DateTimeFormat(
    locale,
    days ? { day: 'numeric', month: 'short', ...zone } : { hour: '2-digit', minute: '2-digit', ...zone },
  );
  const shown: { at: number; text: string }[] = [];
  for (let at = 0; at < many; at += apart) {
    shown.push({ at, text: format.format(new Date(stretchOf(chart, at).since)) });
  }
  return shown;
}

/** When a bucket was, for a tooltip and a table. */
export function when(chart: ActivityChart, at: number, locale?: string, timeZone?: string): string {
  const { since, until } = stretchOf(chart, at);
  const zone = timeZone === undefined ? {} : { timeZone };
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...zone });
  if (chart.bucket_ms % DAY === 0) {
    return chart.bucket_ms === DAY
      ? day.format(new Date(since))
      : `${day.format(new Date(since))} – ${day.format(new Date(until))}`;
  }
  const hour = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', ...zone });
  return `${day.format(new Date(since))}, ${hour.format(new Date(since))} – ${hour.format(new Date(until))}`;
}

/** `12 calls: 10 ran, 2 stopped`. */
export function inWords(bucket: ChartBucket): string {
  const all = total(bucket);
  if (all === 0) return 'no calls';
  const parts = PARTS.filter(({ part }) => bucket[part] > 0).map(
    ({ part, label }) => `${bucket[part]} ${label.toLowerCase()}`,
  );
  return `${count(all, 'call')}: ${parts.join(', ')}`;
}
