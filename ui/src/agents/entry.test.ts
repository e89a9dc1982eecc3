import { expect, it } from 'vitest';
import { expiresAt, recipes } from './entry';

it('every recipe carries the address and the key', () => {
  for (const { name, text } of recipes('http://127.0.0.1:4747/mcp', 'ap_test')) {
    expect(text, name).toContain('http://127.0.0.1:4747/mcp');
    expect(text, name).toMatch(/X-API-Key"?: "?ap_test/);
  }
});

it('a key lives for days, or for ever', () => {
  expect(expiresAt(0, 0)).toBeUndefined();
  expect(expiresAt(7, 0)).toBe('1970-01-08T00:00:00.000Z');
});
