import { describe, expect, it } from 'vitest';
import type { ActivityRow } from '../bindings/ActivityRow';
import type { ApprovalView } from '../bindings/ApprovalView';
import type { State } from '../bindings/State';
import { steps, tabOf } from './timeline';

const AT = '2026-01-31T12:00:00Z';
const NOW = Date.parse(AT);
/** The columns that the timeline reads, and some more. */
const row = (parts: Partial<ActivityRow> = {}) =>
  ({
    id: 'call',
    at: AT,
    agent: 'agent',
    agent_name: 'Claude Code',
    integration: 'demo',
    tool: 'add_note',
    tool_display: 'add_note',
    arguments: {},
    arguments_hash: null,
    digest: 'digest',
    decision: 'require_approval',
    reason: { kind: 'no_rule' },
    approval: 'request',
    outcome: 'ok',
    waited_ms: 12_000,
    ran_us: 400,
    bytes_in: 1,
    bytes_out: 1,
    error: null,
    entry_point: 'mcp',
    ...parts,
  }) as ActivityRow;
const request = (state: State, edited = false) =>
  ({ agent_name: 'Claude Code', created_at: AT, state, edited }) as ApprovalView;
const titles = (...given: Parameters<typeof steps>) => steps(...given).map(({ title }) => title);

describe('a story', () => {
  it('tells of a call that was approved', () => {
    const done = request({
      state: 'done',
      at: AT,
      grant: { kind: 'once' },
      audience: 'this_agent',
      finished_at: AT,
      outcome: 'ok',
    });
    expect(titles(row(), done, null, NOW)).toEqual([
      'Claude Code called',
      'Asked the owner',
      'You approved it',
      'Ran 0.4 ms',
      'Done',
    ]);
    const asked = steps(row(), done, null, NOW).find(({ kind }) => kind === 'asked');
    expect(asked?.detail).toContain('after 12 s. Approved once.');
    expect(asked?.tone).toBe('good');
    expect(steps(row(), { ...done, edited: true }, null, NOW)[2]?.detail).toContain('arguments you edited');
  });

  it('tells what the owner said where the answer was no', () => {
    const denied = request({ state: 'denied', at: '2026-01-31T12:01:05Z', reason: 'not now' });
    const told = steps(row({ outcome: 'denied', waited_ms: 0, ran_us: 0 }), denied, null, NOW);
    expect(told.map(({ title }) => title)).toEqual([
      'Claude Code called',
      'Asked the owner',
      'You said no',
      'Denied',
    ]);
    expect(told[2]?.detail).toContain('after 1 min 5 s. Denied: “not now”');
  });

  it('ends with the decision while the agent has not come back for its call', () => {
    const grant = { kind: 'once' } as const;
    const approved = request({ state: 'approved', at: AT, grant, audience: 'this_agent' });
    const told = steps(row({ outcome: 'pending', waited_ms: 0, ran_us: 0 }), approved, null, NOW);
    expect(told.at(-1)?.title).toBe('You approved it');
    expect(told.at(-1)?.detail).toContain('It runs when Claude Code comes back for it.');
  });

  it('names the rule that decided, also one that is gone', () => {
    const blocked = row({
      decision: 'deny',
      reason: { kind: 'rule', id: 'r' },
      outcome: 'blocked',
      approval: null,
      waited_ms: 0,
      ran_us: 0,
    });
    expect(titles(blocked, null, null, NOW)).toEqual(['Claude Code called', 'Blocked', 'Blocked']);
    expect(steps(blocked, null, 'No agent may use add_note', NOW)[1]?.detail).toBe(
      'A rule says so: No agent may use add_note',
    );
    expect(steps(blocked, null, null, NOW)[1]?.detail).toBe('A rule says so, which is gone by now');
  });

  it('does without a decision, and without a request that is not known yet', () => {
    const refused = row({ decision: null, reason: null, outcome: 'refused', error: 'No such tool.' });
    expect(titles(refused, null, null, NOW).slice(0, 2)).toEqual(['Claude Code called', 'Waited 12 s']);
    expect(steps(refused, null, null, NOW).at(-1)?.detail).toBe('No such tool.');
    const waiting = row({ outcome: 'pending', waited_ms: 0, ran_us: 0 });
    expect(titles(waiting, request({ state: 'pending' }), null, NOW).at(-1)).toBe('Waiting');
  });

  it('never says that the owner said no to a call they were not asked about', () => {
    const unasked = row({ outcome: 'not_asked', approval: null, waited_ms: 0, ran_us: 0 });
    const told = titles(unasked, null, null, NOW);
    expect(told).toEqual(['Claude Code called', 'Would ask you', 'Not asked: you denied it 3 times']);
    expect(steps(unasked, null, null, NOW).some(({ detail }) => detail.includes('You said no'))).toBe(false);
  });

  it('says that it was approved also where the agent did not come back', () => {
    const left = request({ state: 'expired', at: AT, approved_at: AT });
    expect(
      titles(row({ outcome: 'not_picked_up', waited_ms: 0, ran_us: 0 }), left, null, NOW).slice(-2),
    ).toEqual(['You approved it', 'Approved, not picked up']);
  });

  it('knows where the request is', () => {
    expect(tabOf(request({ state: 'pending' }))).toBe('waiting');
    expect(tabOf(request({ state: 'expired', at: AT }))).toBe('missed');
    expect(tabOf(request({ state: 'denied', at: AT, reason: null }))).toBe('decided');
  });
});
