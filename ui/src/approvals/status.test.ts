import { describe, expect, it } from 'vitest';
import type { State } from '../bindings/State';
import { requestStatus } from './status';

const AT = '2026-01-31T12:00:00Z';
const NOW = Date.parse(AT);
const status = (state: State, now = NOW) => requestStatus({ state, agent_name: 'Claude Code' }, now);

describe('an approved request', () => {
  const approved: State = { state: 'approved', at: AT, grant: { kind: 'once' }, audience: 'this_agent' };

  it('says that the agent has not come back, once it could have', () => {
    expect(status(approved, NOW + 1_000)).toMatchObject({ short: 'Approved', tone: 'good' });
    const later = status(approved, NOW + 60_000);
    expect(later).toMatchObject({ short: 'Approved, not picked up', tone: 'warn' });
    expect(later.long).toBe('Approved once. Claude Code has not come back for it yet. It runs once it does.');
  });

  it('that ran out of time is told apart from one that was not decided', () => {
    const missed = status({ state: 'expired', at: AT });
    expect([missed.short, missed.long]).toEqual(['Missed', 'It was not decided in time, so it did not run.']);
    const left = status({ state: 'expired', at: AT, approved_at: AT });
    expect([left.short, left.long]).toEqual([
      'Approved, not picked up',
      'You approved it, and Claude Code did not come back for it in time, so it did not run.',
    ]);
  });
});
