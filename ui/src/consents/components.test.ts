/** What stands on the page of an agent that wants in. Rendered as on a server: nothing is loaded. */
import { render } from 'svelte/server';
import { beforeEach, expect, it, vi } from 'vitest';
import { textOf } from '../testing/rendered';
import ConsentDecide from './ConsentDecide.svelte';
import ConsentFacts from './ConsentFacts.svelte';
import ConsentItem from './ConsentItem.svelte';
import { consent } from './fixtures';

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

const facts = (view = consent(), waiting = true) =>
  textOf(render(ConsentFacts, { props: { view, waiting } }).body);

it('shows the code of the browser while it waits, and not afterwards', () => {
  expect(facts()).toContain('The page in your browser shows 4 7 3 1 4731 .');
  expect(facts(consent({ state: 'denied' }), false)).not.toContain('4731');
});

it('says that the name is unverified, where it goes on to, and where it comes from', () => {
  for (const part of [
    'Cursor (in its own words, unverified)',
    'the app that opens cursor: addresses',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'this computer',
  ]) {
    expect(facts()).toContain(part);
  }
  const remote = facts(consent({ remote: true, redirect: { kind: 'site', host: 'claude.ai' } }));
  expect(remote).toContain('Another computer through your external URL');
  expect(remote).toContain('the site https://claude.ai');
});

it('shows hostile names and addresses as text', () => {
  const odd = consent({
    client_name: '<b>Cursor</b>\u202e\u0441',
    client_uri: 'https://x.example/\u202e',
    redirect_uri: 'cursor://a?<script>',
  });
  const html = render(ConsentFacts, { props: { view: odd, waiting: true } }).body;
  expect(html).not.toContain('<b>');
  expect(html).not.toContain('<script>');
  expect(html).not.toContain('\u202e');
  expect(textOf(html)).toContain('look-alike name');
  const item = render(ConsentItem, { props: { view: odd, selected: false } }).body;
  expect(item).not.toContain('<b>');
  expect(item).not.toContain('\u202e');
});

it('offers to let it in as the agent it was, first, where there is one', () => {
  const fresh = textOf(render(ConsentDecide, { props: { view: consent() } }).body);
  expect(fresh).toContain('Name');
  expect(fresh).not.toContain('A new agent');
  const known = { id: 'a', name: 'Cursor at work', profile: 'reading' };
  const html = render(ConsentDecide, { props: { view: consent({ known_as: known }) } }).body;
  const again = textOf(html);
  expect(again).toContain('Cursor at work again');
  expect(again).toContain('its profile “reading”');
  expect(again).toContain('A new agent');
  // Its name is asked for once it is to be a new one.
  expect(html).toMatch(/value="known"[^>]*checked/);
  for (const text of [fresh, again]) expect(text).toMatch(/Let in a .*Refuse d/);
});
