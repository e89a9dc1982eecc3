import { describe, expect, it } from 'vitest';
import { ago, ahead, clockTime, countdown, milestone, span } from './time';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const shifted = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

describe('ago and ahead', () => {
  it('say it roughly', () => {
    for (const [seconds, words] of [
      [5, 'just now'],
      [0, 'just now'],
      [-48, 'just now'],
      [-60, '1 min ago'],
      [-3599, '59 min ago'],
      [-7200, '2 h ago'],
      [-86_400, 'yesterday'],
      [-12 * 86_400, '12 days ago'],
    ] as const) {
      expect(ago(shifted(seconds), NOW), String(seconds)).toBe(words);
    }
    for (const [seconds, words] of [
      [-1, 'now'],
      [12, 'in 12 s'],
      [61, 'in 2 min'],
      [7200, 'in 2 h'],
      [86_400 * 30, 'in 30 days'],
    ] as const) {
      expect(ahead(shifted(seconds), NOW), String(seconds)).toBe(words);
    }
  });
});

describe('countdown', () => {
  it('rounds up and stops at nought', () => {
    for (const [ms, text] of [
      [600_000, '10:00'],
      [599_001, '10:00'],
      [61_000, '1:01'],
      [900, '0:01'],
      [0, '0:00'],
      [-5_000, '0:00'],
      [3_723_000, '1:02:03'],
    ] as const) {
      expect(countdown(ms), String(ms)).toBe(text);
    }
  });

  it('speaks at milestones only', () => {
    const spoken = new Set<string>();
    for (let ms = 600_000; ms >= 0; ms -= 1_000) spoken.add(milestone(ms));
    expect([...spoken]).toEqual([
      '',
      '5 minutes left',
      '2 minutes left',
      'One minute left',
      '30 seconds left',
      '10 seconds left',
      'Expired',
    ]);
  });
});

describe('span', () => {
  it('fits the unit to the length', () => {
    for (const [ms, text] of [
      [0.42, '0.4 ms'],
      [12.4, '12 ms'],
      [1_400, '1.4 s'],
      [42_000, '42 s'],
      [125_000, '2 min 5 s'],
      [120_000, '2 min'],
      [12_000_000, '3 h 20 min'],
    ] as const) {
      expect(span(ms), String(ms)).toBe(text);
    }
  });
});

describe('clockTime', () => {
  it('names the day only where it is another', () => {
    const at = (text: string) => clockTime(text, NOW, 'en-GB', 'UTC');
    expect(at('2026-01-31T08:05:00Z')).toBe('08:05');
    expect(at('2026-01-30T08:05:00Z')).toBe('30 Jan, 08:05');
    expect(at('2025-01-30T08:05:00Z')).toBe('30 Jan 2025, 08:05');
  });
});
