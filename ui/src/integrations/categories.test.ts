import { describe, expect, it } from 'vitest';
import type { Mode } from '../bindings/Mode';
import type { Rule } from '../bindings/Rule';
import type { RuleView } from '../bindings/RuleView';
import type { Scope } from '../bindings/Scope';
import type { ToolView } from '../bindings/ToolView';
import { categories, mixture, ownRule, reason } from './categories';

const tool = (name: string, category: string | null, mode: Mode = 'require_approval') =>
  ({ name, category, mode, reason: { kind: 'no_rule' } }) as ToolView;
const rule = (id: string, scope: Scope, over: Partial<Rule> = {}) =>
  ({
    rule: {
      id,
      scope,
      mode: 'allow',
      agent: null,
      conditions: [],
      expires_at: null,
      session: false,
      ...over,
    },
  }) as unknown as RuleView;
const forCategory = (id: string, category: string, over?: Partial<Rule>) =>
  rule(id, { kind: 'category', integration: 'files', category }, over);
const forTool = (id: string, tool: string, over?: Partial<Rule>) =>
  rule(id, { kind: 'tool', integration: 'files', tool }, over);

describe('categories', () => {
  it('stand from harmless to not, others between by name, tools without one last', () => {
    const tools = ['Destroys', null, 'Zebra', "Doesn't say", 'Reads', 'Apple', 'Changes'].map((c, at) =>
      tool(`t${at}`, c),
    );
    expect(categories('files', tools, []).map(({ name }) => name)).toEqual([
      'Reads',
      'Changes',
      "Doesn't say",
      'Destroys',
      'Apple',
      'Zebra',
      '',
    ]);
  });

  it('have a mode while their tools agree', () => {
    const of = (...modes: Mode[]) =>
      categories(
        'files',
        modes.map((mode, at) => tool(`t${at}`, 'Reads', mode)),
        [],
      )[0]?.mode;
    expect(of('allow', 'allow')).toBe('allow');
    expect(of('deny')).toBe('deny');
    expect(of('allow', 'deny')).toBeNull();
  });

  it('know what is set for them, and how many tools go their own way', () => {
    const tools = [tool('a', 'Reads'), tool('b', 'Reads'), tool('c', null)];
    const rules = [
      rule('other', { kind: 'category', integration: 'mail', category: 'Reads' }),
      forCategory('agent', 'Reads', { agent: 'x' }),
      forCategory('mine', 'Reads'),
      forTool('own', 'a'),
      forTool('session', 'b', { session: true }),
      forTool('late', 'b', { expires_at: '2026-01-31T12:00:00Z' }),
      forTool('narrow', 'b', { conditions: [{ kind: 'arguments_are', hash: 'h' }] }),
    ];
    const [reads, none] = categories('files', tools, rules);
    expect([reads?.rule?.rule.id, reads?.own]).toEqual(['mine', 1]);
    expect([none?.rule, none?.own]).toEqual([null, 0]);
    expect(ownRule('files', 'a', rules)?.rule.id).toBe('own');
    expect(ownRule('mail', 'a', rules)).toBeNull();
  });
});

it('a mixture is counted', () => {
  const tools = (['deny', 'allow', 'deny', 'require_approval'] as const).map((mode) =>
    tool('t', 'Reads', mode),
  );
  expect(mixture(tools)).toBe('1 allowed, 1 ask, 2 blocked');
  expect(mixture(tools.slice(0, 2))).toBe('1 allowed, 1 blocked');
});

it('the reason names whose rule it is', () => {
  const by = (id: string) => ({ ...tool('a', 'Reads'), reason: { kind: 'rule', id } as const });
  const [own, category] = [forTool('own', 'a'), forCategory('all', 'Reads')];
  expect(reason(by('own'), own, category)).toBe('Set for this tool');
  expect(reason(by('all'), null, category)).toBe('Set for “Reads”');
  expect(reason(by('else'), own, category)).toBe('A rule says so');
  expect(reason(tool('a', 'Reads'), own, category)).toBe('No rule; that means asking');
});
