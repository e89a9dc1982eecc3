import { expect, it } from 'vitest';
import { expiresAt, recipes } from './entry';

it('every recipe carries the address and the key', () => {
  for (const { name, text } of recipes('http://127.0.0.1:4747/mcp', 'ap_test')) {
    expect(text, name).toContain('http://127.0.0.1:4747/mcp');
    expect(text, name).toMatch(/X-API-Key"?\s*[:=]\s*"?ap_test/);
    if (text.startsWith('{')) expect(() => JSON.parse(text), name).not.toThrow();
  }
});

it('a key lives for days, for ever, or to the end of a day', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(expiresAt('never', '', now)).toBeUndefined();
  expect(expiresAt('30', '', 0)).toBe('1970-01-31T00:00:00.000Z');
  expect(expiresAt('date', '2026-03-01', now)).toBe(new Date(2026, 2, 2).toISOString());
  for (const day of ['', '2026-01-01', 'soon']) expect(expiresAt('date', day, now), day).toBeNull();
});
