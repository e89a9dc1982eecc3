import { beforeEach, expect, it, vi } from 'vitest';
import { denyAndBlock, denyOffers } from './denials';

const sent: unknown[][] = [];
vi.mock('../host', () => ({
  host: {
    request: (method: string, path: string, body?: unknown) => {
      sent.push([method, path, body]);
      const rule = { id: 'rule', agent: 'agent', scope: { kind: 'tool' }, conditions: [], expires_at: null };
      return Promise.resolve(method === 'GET' ? { items: [] } : { rule, stale: false });
    },
  },
}));
const request = { id: 'request', agent: 'agent', integration: 'demo', tool: 'add_note' };
const NOW = Date.parse('2026-01-31T12:00:00Z');
const block = { integration: 'demo', tool: 'add_note', agent: 'agent', mode: 'deny' };

beforeEach(() => void sent.splice(0));

it('offers to block the tool for the agent that asked, the shorter time first', () => {
  expect(denyOffers('Claude Code').map(({ label, minutes }) => [label, minutes])).toEqual([
    ['Block this tool for Claude Code for 15 minutes', 15],
    ['Block this tool for Claude Code', null],
  ]);
});

it('denies the request before the tool is blocked, so that it is the owner who denied it', async () => {
  const { back } = await denyAndBlock(request, null, NOW);
  expect(sent.slice(1)).toEqual([
    ['POST', '/control/approvals/request/deny', {}],
    ['PUT', '/control/policy', block],
  ]);
  await back?.();
  expect(sent.at(-1)).toEqual(['DELETE', '/control/policy/rule', undefined]);
});

it('blocks for a while with an end', async () => {
  await denyAndBlock(request, 15, NOW);
  expect(sent.at(-1)).toEqual(['PATCH', '/control/policy/rule', { expires_at: '2026-01-31T12:15:00.000Z' }]);
});
