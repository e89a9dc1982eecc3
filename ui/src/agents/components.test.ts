/** What stands on the page about an agent that signs in by OAuth. Rendered as on a server: nothing is loaded. */
import { render } from 'svelte/server';
import { beforeEach, expect, it, vi } from 'vitest';
import { textOf } from '../testing/rendered';
import AgentFacts from './AgentFacts.svelte';
import AgentRow from './AgentRow.svelte';
import { agent, signIn } from './fixtures';

vi.mock('../host', async () => ({
  ...(await import('../host/types')),
  host: { desktop: null, request: () => new Promise(() => {}), events: () => () => {} },
}));
vi.hoisted(() =>
  vi.stubGlobal('window', { location: { hash: '', search: '', pathname: '/' }, addEventListener: () => {} }),
);

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00Z') });
  return () => vi.useRealTimers();
});

it('has a row for an agent that signs in, with where it goes on to and no key', () => {
  const row = (view = agent({ oauth: signIn() })) =>
    textOf(render(AgentRow, { props: { view, profiles: [] } }).body);
  expect(row()).toContain('Signs in by OAuth, goes on to the app that opens cursor: addresses');
  expect(row()).not.toContain('ap_');
  expect(row()).not.toContain('Signed out');
  expect(row(agent({ oauth: signIn({ valid: 0 }) }))).toContain('Signed out');
  expect(row(agent({ oauth: signIn({ remote: true }) }))).toContain('From another computer');
  expect(row(agent())).toContain('ap_012345678…');
});

it('says how it signs in, and nothing of a key', () => {
  const facts = textOf(render(AgentFacts, { props: { view: agent({ oauth: signIn({ valid: 2 }) }) } }).body);
  for (const part of [
    'Cursor (in its own words, unverified)',
    'the app that opens cursor: addresses',
    'this computer',
    '2 sign-ins valid, last renewed',
    'unless it renews its sign-in before',
    'None: it sees every integration',
  ]) {
    expect(facts).toContain(part);
  }
  expect(facts).not.toContain('Key');
  expect(textOf(render(AgentFacts, { props: { view: agent() } }).body)).toContain('Key');
});
