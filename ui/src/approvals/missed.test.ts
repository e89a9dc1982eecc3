import { expect, it } from 'vitest';
import type { State } from '../bindings/State';
import { hasUnseen } from './missed';

const expired = (at: string): { state: State } => ({ state: { state: 'expired', at } });

it('missed requests are unseen until the owner has looked after they expired', () => {
  const missed = [expired('2026-01-31T12:00:00Z')];
  expect(hasUnseen(missed, { missed_seen_at: null })).toBe(true);
  expect(hasUnseen(missed, { missed_seen_at: '2026-01-31T11:59:59Z' })).toBe(true);
  expect(hasUnseen(missed, { missed_seen_at: '2026-01-31T12:00:01Z' })).toBe(false);
  expect(hasUnseen([], { missed_seen_at: null })).toBe(false);
});

it('nothing is said where the gateway does not keep when the owner looked', () => {
  expect(hasUnseen([expired('2026-01-31T12:00:00Z')], {})).toBe(false);
  expect(hasUnseen([expired('2026-01-31T12:00:00Z')], undefined)).toBe(false);
});
