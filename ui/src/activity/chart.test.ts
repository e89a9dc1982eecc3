import { describe, expect, it } from 'vitest';
import type { ActivityChart } from '../bindings/ActivityChart';
import type { ChartBucket } from '../bindings/ChartBucket';
import { ceiling, chosen, inWords, marks, pieces, recent, stretchOf, sum, total, when } from './chart';

const NOW = Date.parse('2026-01-31T12:10:00Z');
const bucket = (parts: Partial<ChartBucket> = {}): ChartBucket => ({
  ran: 0,
  failed: 0,
  stopped: 0,
  undecided: 0,
  asked: 0,
  ...parts,
});
const chart = (hours: number, many: number): ActivityChart => ({
  since: '2026-01-31T00:00:00Z',
  until: '',
  bucket_ms: hours * 3_600_000,
  buckets: Array.from({ length: many }, () => bucket()),
});

describe('the stretch', () => {
  it('ends with the bucket in which we are', () => {
    expect(recent('24h', NOW, 0)).toEqual({
      since: '2026-01-30T12:30:00.000Z',
      until: '2026-01-31T12:30:00.000Z',
      buckets: 48,
    });
    expect(recent('24h', Date.parse('2026-01-31T12:00:00Z'), 0).until).toBe('2026-01-31T12:30:00.000Z');
  });

  it('has days that begin at the owner’s midnight', () => {
    // Two hours ahead of UTC: midnight is at 22:00.
    expect(recent('30d', NOW, -120)).toEqual({
      since: '2026-01-01T22:00:00.000Z',
      until: '2026-01-31T22:00:00.000Z',
      buckets: 30,
    });
    expect(recent('7d', NOW, 300).until).toBe('2026-01-31T17:00:00.000Z');
  });

  it('is what the filter names', () => {
    const since = '2026-01-31T11:00:00.000Z';
    expect(chosen(since, '2026-01-31T11:30:00.000Z', NOW)).toEqual({
      since,
      until: '2026-01-31T11:30:00.000Z',
      buckets: 30,
    });
    expect(chosen(since, '', NOW)).toEqual({ since, until: '2026-01-31T12:10:00.000Z', buckets: 48 });
    expect(chosen('', since, NOW).since).toBe('2026-01-01T11:00:00.000Z');
    // The wrong way round: a stretch that can be asked for, and has nothing in it.
    expect(chosen(since, '2026-01-30T00:00:00Z', NOW).until).toBe('2026-01-31T11:01:00.000Z');
  });
});

describe('the scale', () => {
  it('ends at a round number that can be halved', () => {
    for (const [most, top] of [
      [0, 2],
      [1, 2],
      [3, 4],
      [5, 6],
      [9, 10],
      [10, 10],
      [11, 20],
      [61, 80],
      [99, 100],
      [101, 200],
      [12_345, 20_000],
    ] as const) {
      expect(ceiling(most), String(most)).toBe(top);
    }
  });

  it('stacks from the bottom', () => {
    const drawn = pieces(bucket({ ran: 5, stopped: 2 }), 10);
    expect(drawn.map(({ part }) => part)).toEqual(['ran', 'stopped']);
    expect(drawn[0]).toEqual({ part: 'ran', y: 0.5, height: 0.5 });
    expect(drawn[1]?.y).toBeCloseTo(0.3);
    expect(pieces(bucket(), 10)).toEqual([]);
  });

  it('shows one call among thousands and stays within the chart', () => {
    const drawn = pieces(bucket({ ran: 10_000, failed: 1, undecided: 1 }), 10_000);
    for (const { height } of drawn) expect(height).toBeGreaterThan(0.015);
    expect(drawn.at(-1)?.y).toBeGreaterThanOrEqual(0);
    expect(drawn.reduce((all, { height }) => all + height, 0)).toBeCloseTo(1);
  });
});

describe('in words', () => {
  it('every call counts once', () => {
    const all = sum([bucket({ ran: 1, asked: 1 }), bucket({ ran: 2, failed: 1 })]);
    expect(all).toEqual(bucket({ ran: 3, failed: 1, asked: 1 }));
    expect(total(all)).toBe(4);
    expect(inWords(all)).toBe('4 calls: 3 ran, 1 failed');
    expect(inWords(bucket({ stopped: 1 }))).toBe('1 call: 1 stopped');
    expect(inWords(bucket())).toBe('no calls');
  });

  it('says when a bar was', () => {
    expect(when(chart(0.5, 48), 1, 'en-GB', 'UTC')).toBe('31 Jan, 00:30 – 01:00');
    expect(when(chart(24, 30), 1, 'en-GB', 'UTC')).toBe('1 Feb');
    expect(when(chart(48, 15), 0, 'en-GB', 'UTC')).toBe('31 Jan – 2 Feb');
    expect(stretchOf(chart(6, 28), 2)).toEqual({
      since: '2026-01-31T12:00:00.000Z',
      until: '2026-01-31T18:00:00.000Z',
    });
  });

  it('marks the axis evenly and never too often', () => {
    expect(marks(chart(0.5, 48), 6, 'en-GB', 'UTC').map(({ text }) => text)).toEqual([
      '00:00',
      '04:00',
      '08:00',
      '12:00',
      '16:00',
      '20:00',
    ]);
    expect(marks(chart(6, 28), 7, 'en-GB', 'UTC').map(({ at }) => at)).toEqual([0, 4, 8, 12, 16, 20, 24]);
    expect(marks(chart(6, 28), 7, 'en-GB', 'UTC')[1]?.text).toBe('1 Feb');
    expect(marks(chart(1, 0), 6)).toEqual([]);
  });
});
