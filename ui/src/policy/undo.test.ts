import { describe, expect, it } from 'vitest';
import type { Rule } from '../bindings/Rule';
import { undo } from './undo';

const rule: Rule = {
  id: 'r',
  scope: { kind: 'tool', integration: 'demo', tool: 'add_note' },
  mode: 'allow',
  agent: 'a',
  conditions: [],
  digest: 'd',
  expires_at: null,
  session: false,
  origin: { kind: 'owner' },
  created_at: '2026-01-31T12:00:00Z',
};
const view = (over: Partial<Rule>, stale = false) => ({
  rule: { ...rule, ...over },
  sentence: '',
  agent_name: null,
  stale,
});

describe('undo', () => {
  it('brings a plain rule back', () => {
    const back = { integration: 'demo', tool: 'add_note', mode: 'allow' };
    expect(undo(view({}))).toEqual({ ...back, agent: 'a', digest: 'd' });
    expect(undo(view({ agent: null }))).toEqual({ ...back, digest: 'd' });
    expect(undo(view({ agent: null, mode: 'deny', digest: null }))).toEqual({ ...back, mode: 'deny' });
  });

  it('never brings one back wider', () => {
    for (const [why, odd] of [
      ['conditions', view({ conditions: [{ kind: 'arguments_are', hash: 'h' }] })],
      ['an end', view({ expires_at: '2026-01-31T13:00:00Z' })],
      ['a session', view({ session: true })],
      ['another definition', view({}, true)],
      ['another scope', view({ scope: { kind: 'everything' } })],
    ] as const) {
      expect(undo(odd), why).toBeNull();
    }
  });
});
