import { expect, it } from 'vitest';
import type { ClientView } from '../bindings/ClientView';
import type { Connected } from '../bindings/Connected';
import { movedWords, portEntries } from './portMove';

const client = (id: string, connected?: Connected): ClientView => ({
  id,
  name: id.toUpperCase(),
  found: true,
  sources: [],
  speaks_http: true,
  signs_in: true,
  files: [
    {
      path: `/home/me/.${id}`,
      scope: 'user',
      state: { state: 'readable', servers: [] },
      can_restore: false,
      ...(connected && { connected }),
    },
  ],
});

it('only entries that name this gateway’s port have to follow it', () => {
  const found = portEntries([
    client('cursor', { via: 'http', current: true }),
    client('codex', { via: 'http_environment', current: true }),
    client('claude', { via: 'oauth', current: true }),
    client('desktop', { via: 'bridge', current: true }),
    client('elsewhere', { via: 'http', current: false }),
    client('none'),
  ]);
  expect(found.map(({ client, path, via }) => [client, path, via])).toEqual([
    ['cursor', '/home/me/.cursor', 'http'],
    ['codex', '/home/me/.codex', 'http_environment'],
    ['claude', '/home/me/.claude', 'oauth'],
  ]);
});

it('says what was moved and what has to be restarted', () => {
  const written = portEntries([client('cursor', { via: 'http', current: true })]);
  expect(movedWords(4900, { written: [], restarts: [] })).toBe('AgentPort listens on port 4900 now.');
  expect(movedWords(4900, { written, restarts: ['Restart Cursor.'] })).toBe(
    'AgentPort listens on port 4900 now. 1 entry rewritten. Restart Cursor.',
  );
});
