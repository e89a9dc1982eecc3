import { expect, it } from 'vitest';
import { announcement, arrivals, documentTitle } from './arrivals';

const request = (id: string) => ({ id, agent_name: 'Claude Code', summary: 'Add a note in Demo' });

it('tells what came', () => {
  const came = arrivals(new Set(['a']), [request('a'), request('b')]);
  expect(came.map(({ id }) => id)).toEqual(['b']);
  expect(announcement(came)).toBe('New request from Claude Code: Add a note in Demo');
  expect(announcement([request('b'), request('c')])).toBe('2 new requests are waiting for you');
  expect(announcement([{ id: 'c', client_name: 'Cur\u202esor' }])).toBe(
    'An agent that calls itself Cur⟨U+202E⟩sor (look-alike name) wants in',
  );
  expect(announcement([])).toBe('');
});

it('counts in the title', () => {
  expect(documentTitle('Inbox', 2)).toBe('(2) Inbox – AgentPort');
  expect(documentTitle('Policy', 0)).toBe('Policy – AgentPort');
});
