import { expect, it } from 'vitest';
import { expiresAt, recipes, sseUrl } from './entry';

it('every recipe carries the key, and leads to the gateway', () => {
  const gateway = { mcp_url: 'http://127.0.0.1:4747/mcp', home: '/home/me/.local/share/agentport' };
  for (const { name, text } of recipes(gateway, 'ap_test')) {
    if (name === 'Claude Desktop') {
      expect(text).toContain(gateway.home);
      expect(text).toContain('"AGENTPORT_API_KEY": "ap_test"');
    } else {
      expect(text, name).toContain(gateway.mcp_url);
      expect(text, name).toMatch(/X-API-Key"?\s*[:=]\s*"?ap_test/);
    }
    if (text.startsWith('{')) expect(() => JSON.parse(text), name).not.toThrow();
  }
});

it('the address for old clients is beside the other', () => {
  expect(sseUrl('http://127.0.0.1:4747/mcp')).toBe('http://127.0.0.1:4747/sse');
  expect(sseUrl('')).toBe('');
});

it('a key lives for days, for ever, or to the end of a day', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(expiresAt('never', '', now)).toBeUndefined();
  expect(expiresAt('30', '', 0)).toBe('1970-01-31T00:00:00.000Z');
  expect(expiresAt('date', '2026-03-01', now)).toBe(new Date(2026, 2, 2).toISOString());
  for (const day of ['', '2026-01-01', 'soon']) expect(expiresAt('date', day, now), day).toBeNull();
});
