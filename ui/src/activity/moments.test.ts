import { expect, it } from 'vitest';
import { beginning, fieldOf, momentOf } from './moments';

it('a past begins on the minute', () => {
  const now = Date.parse('2026-01-31T12:00:42.500Z');
  expect(beginning('1h', now)).toBe('2026-01-31T11:00:00.000Z');
  expect(beginning('30d', now)).toBe('2026-01-01T12:00:00.000Z');
  expect(beginning('', now)).toBe('');
  expect(beginning('between', now)).toBe('');
});

it('a field says the same moment, whatever the clock', () => {
  const moment = '2026-07-31T22:05:00.000Z';
  expect(fieldOf(moment)).toMatch(/^2026-0[78]-\d\dT\d\d:\d5$/);
  expect(momentOf(fieldOf(moment))).toBe(moment);
  for (const empty of ['', 'never']) expect([fieldOf(empty), momentOf(empty)]).toEqual(['', '']);
});
