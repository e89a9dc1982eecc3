import { expect, it } from 'vitest';
import type { KeyView } from '../bindings/KeyView';
import { life, trustedUntil } from './life';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const BEFORE = '2026-01-31T11:59:00Z';
const AFTER = '2026-01-31T12:01:00Z';
const key = (parts: Partial<KeyView>) =>
  ({ revoked_at: null, expires_at: null, trusted_until: null, ...parts }) as KeyView;

it('a key is good until it ends or is revoked', () => {
  expect(life(key({}), NOW)).toBe('good');
  expect(life(key({ expires_at: AFTER }), NOW)).toBe('good');
  expect(life(key({ expires_at: BEFORE }), NOW)).toBe('expired');
  expect(life(key({ expires_at: BEFORE, revoked_at: BEFORE }), NOW)).toBe('revoked');
});

it('trust lasts no longer than the key', () => {
  expect(trustedUntil(key({ trusted_until: AFTER }), NOW)).toBe(AFTER);
  expect(trustedUntil(key({ trusted_until: BEFORE }), NOW)).toBeNull();
  expect(trustedUntil(key({ trusted_until: AFTER, revoked_at: BEFORE }), NOW)).toBeNull();
  expect(trustedUntil(key({}), NOW)).toBeNull();
});
