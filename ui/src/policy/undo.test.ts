import { beforeEach, expect, it, vi } from 'vitest';
import type { Rule } from '../bindings/Rule';
import type { RuleView } from '../bindings/RuleView';
import { Refused } from '../host/types';

const request = vi.hoisted(() => vi.fn());
vi.mock('../host', async () => ({ host: { request }, ...(await import('../host/types')) }));

const { backFromChange, backFromSet, fromNowOn, removeWithUndo } = await import('./undo');
const { toasts } = await import('../shell/toasts.svelte');

const view = (parts: Partial<Rule> = {}, stale = false): RuleView => ({
  rule: {
    id: 'r',
    scope: { kind: 'tool', integration: 'demo', tool: 'add_note' },
    mode: 'allow',
    agent: null,
    conditions: [],
    digest: 'd1',
    expires_at: null,
    session: false,
    origin: { kind: 'owner' },
    created_at: '2026-01-31T12:00:00Z',
    ...parts,
  },
  sentence: 'Every agent may use add_note in Demo',
  agent_name: null,
  stale,
});

const undo = async () => {
  toasts.current?.action?.run();
  await vi.waitFor(() => expect(toasts.current?.action).toBeUndefined());
};

beforeEach(() => {
  request.mockReset();
  request.mockResolvedValue(undefined);
  toasts.close();
});

it('a rule that was made is removed', async () => {
  expect(fromNowOn(view(), 0)).toBe('From now on: Every agent may use add_note in Demo.');
  await backFromSet(view(), null)?.();
  expect(request.mock.calls).toEqual([['DELETE', '/control/policy/r']]);
});

it('a rule that replaced another becomes what that was', async () => {
  await backFromSet(view({ id: 'new', mode: 'deny' }), view({ agent: 'a' }))?.();
  expect(request.mock.calls).toEqual([
    ['PATCH', '/control/policy/new', { mode: 'allow', expires_at: 'never', agent: 'a', digest: 'd1' }],
  ]);
});

it('a removed rule is brought back as it was', async () => {
  await removeWithUndo(view());
  expect(request.mock.calls).toEqual([['DELETE', '/control/policy/r']]);
  request.mockRejectedValue(new Refused(409, 'The tool changed.'));
  await undo();
  expect(request.mock.calls[1]).toEqual(['POST', '/control/policy/r/restore']);
  expect(toasts.current?.text).toBe('The tool changed. The rule was not brought back.');
});

it('nothing comes back wider than it was', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(backFromSet(view({ mode: 'deny' }), view({}, true)), 'another definition').toBeNull();
  for (const [why, before] of [
    ['another definition', view({}, true)],
    ['a session', view({ session: true })],
    ['an end that is past', view({ expires_at: '2026-01-31T11:00:00Z' })],
  ] as const) {
    expect(backFromChange(view(), before, now), why).toBeNull();
  }
  expect(backFromChange(view({ mode: 'deny' }), view(), now), 'plain').not.toBeNull();
});
