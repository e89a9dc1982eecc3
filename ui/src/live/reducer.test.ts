import { describe, expect, it } from 'vitest';
import type { Event } from '../bindings/Event';
import type { Status } from '../bindings/Status';
import { reduce, START, TOPICS, type Topic } from './reducer';

const status: Status = {
  version: '0.1.0',
  mcp_url: 'http://127.0.0.1:4747/mcp',
  home: '/home/me/.local/share/agentport',
  pid: 7,
  started_at: '2026-01-31T12:00:00Z',
  paused: false,
  vault: 'keychain',
  pending: 0,
  missed: 0,
  agents: 1,
  integrations: 1,
  trouble: 0,
  second_factor: false,
  owner_password: true,
};

function grown(event: Event): Topic[] {
  const { revisions } = reduce(START, event);
  return TOPICS.filter((topic) => revisions[topic] > START.revisions[topic]);
}

describe('reduce', () => {
  it('says what to read again', () => {
    for (const [event, topics] of [
      [{ type: 'snapshot', status }, [...TOPICS]],
      [{ type: 'approval', id: 'a', state: 'pending' }, ['approvals', 'policy']],
      [{ type: 'integration', id: 'demo' }, ['integrations']],
      [{ type: 'accounts' }, ['accounts']],
      [{ type: 'sign_in', id: 's' }, ['sign_ins']],
      [{ type: 'agents' }, ['agents']],
      [{ type: 'consent', id: 'c' }, ['consents']],
      [{ type: 'token_reused', agent: 'Cursor' }, []],
      [{ type: 'profiles' }, ['profiles']],
      [{ type: 'policy' }, ['integrations', 'agents', 'policy']],
      [{ type: 'settings' }, ['settings']],
      [{ type: 'activity' }, ['activity']],
      [{ type: 'owner' }, ['owner']],
      [{ type: 'clients' }, ['clients']],
      [{ type: 'shown', id: 'a' }, []],
      [{ type: 'paused', paused: true }, []],
    ] as const) {
      expect(grown(event as Event), event.type).toEqual(topics);
    }
  });

  it('knows the pause from the event, and only once there is a status', () => {
    const pause: Event = { type: 'paused', paused: true };
    expect(reduce(START, pause)).toBe(START);
    const live = reduce(START, { type: 'snapshot', status });
    expect(reduce(live, pause).status?.paused).toBe(true);
    expect(live.status?.paused).toBe(false);
  });

  it('passes over what it does not know', () => {
    expect(reduce(START, { type: 'weather' } as unknown as Event)).toBe(START);
  });
});
