import { describe, expect, it } from 'vitest';
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Rule } from '../bindings/Rule';
import type { RuleView } from '../bindings/RuleView';
import { defaults, endOf, matching, parted, ruleFor, sentenceOf, wouldSay } from './rules';

const view = (id: string, parts: Partial<Rule> = {}): RuleView => ({
  rule: {
    id,
    scope: { kind: 'tool', integration: 'demo', tool: 'add_note' },
    mode: 'allow',
    agent: null,
    conditions: [],
    digest: null,
    expires_at: null,
    session: false,
    origin: { kind: 'owner' },
    created_at: '2026-01-31T12:00:00Z',
    ...parts,
  },
  sentence: '',
  agent_name: null,
  stale: false,
});
const ids = (rules: readonly RuleView[]) => rules.map(({ rule }) => rule.id);

describe('rules', () => {
  it('are found for a tool, by what setting one would replace', () => {
    const rules = [
      view('exact', { conditions: [{ kind: 'arguments_are', hash: 'h' }] }),
      view('passing', { expires_at: '2026-01-31T13:00:00Z' }),
      view('session', { session: true, agent: 'a' }),
      view('other', { scope: { kind: 'tool', integration: 'demo', tool: 'other' } }),
      view('every'),
      view('agent', { agent: 'a' }),
    ];
    expect(ruleFor(rules, 'demo', 'add_note', null)?.rule.id).toBe('every');
    expect(ruleFor(rules, 'demo', 'add_note', 'a')?.rule.id).toBe('agent');
    expect(ruleFor(rules, 'demo', 'add_note', 'b')).toBeNull();
    expect(ruleFor(rules, 'mail', 'add_note', null)).toBeNull();
  });

  it('about an agent or an integration are also those about all', () => {
    const rules = [
      view('every'),
      view('a', { agent: 'a' }),
      view('b', { agent: 'b' }),
      view('mail', { scope: { kind: 'integration', integration: 'mail' } }),
      view('all', { scope: { kind: 'non_destructive' } }),
    ];
    expect(ids(matching(rules, { agent: '', integration: '' }))).toEqual(ids(rules));
    expect(ids(matching(rules, { agent: 'a', integration: '' }))).toEqual(['every', 'a', 'mail', 'all']);
    expect(ids(matching(rules, { agent: 'b', integration: 'mail' }))).toEqual(['mail', 'all']);
  });

  it('part by whether they end, the next end first', () => {
    const rules = [
      view('session', { session: true }),
      view('later', { expires_at: '2026-02-01T00:00:00Z' }),
      view('lasts'),
      view('soon', { expires_at: '2026-01-31T13:00:00Z' }),
    ];
    const { lasting, passing } = parted(rules);
    expect([ids(lasting), ids(passing)]).toEqual([['lasts'], ['soon', 'later', 'session']]);
  });
});

describe('sentences', () => {
  it('say what a rule would do', () => {
    expect(wouldSay('allow', 'Claude Code', 'add_note', 'demo')).toBe(
      'Claude Code may use add_note in demo without asking.',
    );
    expect(wouldSay('deny', null, 'add_note', 'demo')).toBe('No agent may use add_note in demo.');
  });

  it('say an end on the owner’s clock', () => {
    const expires_at = '2026-01-31T14:35:00Z';
    const ends = { ...view('r', { expires_at }), sentence: 'A may use x, until 2026-01-31 14:35 UTC' };
    expect(sentenceOf(ends, Date.parse(expires_at))).toMatch(/^A may use x, until \d\d?:35( [AP]M)?$/);
    // A tool may be called anything.
    const lasts = { ...view('r'), sentence: 'A may use x, until 2026-01-31 14:35 UTC' };
    expect(sentenceOf(lasts, 0)).toBe(lasts.sentence);
  });

  it('say what an integration does by itself', () => {
    const said = (default_mode: IntegrationView['default_mode'], read_only_may_run: boolean) =>
      defaults({ name: 'Demo', default_mode, read_only_may_run } as IntegrationView).map(
        ({ mode, sentence }) => `${mode}: ${sentence}`,
      );
    expect(said(null, false)).toEqual(['require_approval: Every tool in Demo without a rule asks you first']);
    expect(said('deny', true)).toEqual([
      'allow: Tools in Demo that say they only read may run without asking',
      'deny: Every other tool in Demo without a rule is blocked',
    ]);
    expect(said('allow', true)).toEqual(['allow: Every tool in Demo without a rule may run without asking']);
  });
});

it('an end is sent as a moment, as never, or not at all', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(endOf('keep', '', now)).toBeUndefined();
  expect(endOf('never', '', now)).toBe('never');
  expect(endOf('60', '', now)).toBe('2026-01-31T13:00:00.000Z');
  expect(endOf('date', '', now)).toBeUndefined();
  expect(endOf('date', '2026-02-01', now)).toBe(new Date(2026, 1, 2).toISOString());
});

it('rules are found by the words of their sentence', () => {
  const said = (id: string, sentence: string) => ({ ...view(id, {}), sentence }) as RuleView;
  const rules = [said('a', 'Every agent may use Add note in Demo'), said('b', 'Cursor may not use Add note')];
  const found = (words: string) =>
    matching(rules, { agent: '', integration: '', words }).map(({ rule }) => rule.id);
  expect(found('')).toEqual(['a', 'b']);
  expect(found('add NOTE')).toEqual(['a', 'b']);
  expect(found('cursor note')).toEqual(['b']);
  expect(found('delete')).toEqual([]);
});
