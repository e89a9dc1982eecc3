/** What stands on the page for each state of a sign-in and of an account. Rendered as on a server: nothing is loaded. */
import { createRawSnippet } from 'svelte';
import { render } from 'svelte/server';
import { beforeEach, expect, it, vi } from 'vitest';
import type { AccountView } from '../bindings/AccountView';
import type { SignInState } from '../bindings/SignInState';
import AccountGroup from './AccountGroup.svelte';
import AccountRow from './AccountRow.svelte';
import { account, signIn, WAITING } from './fixtures';
import { SignInFlow } from './signInFlow.svelte';
import SignInProgress from './SignInProgress.svelte';

vi.mock('../host', async () => ({
  ...(await import('../host/types')),
  host: { desktop: null, request: () => new Promise(() => {}), events: () => () => {} },
}));
vi.stubGlobal('window', { location: { hash: '', search: '', pathname: '/' }, addEventListener: () => {} });

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00Z') });
  return () => vi.useRealTimers();
});

/** The text of a component, with the names of its controls in brackets. */
function text(html: string): string {
  return html
    .replace(/<!--.*?-->/gs, '')
    .replace(/<svg.*?<\/svg>/gs, '')
    .replace(/<button[^>]*aria-label="([^"]*)"[^>]*>/g, '[$1] ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function progress(state: SignInState, change: (flow: SignInFlow) => void = () => {}): string {
  const flow = new SignInFlow();
  flow.view = signIn(state);
  change(flow);
  const done = createRawSnippet(() => ({ render: () => '<a href="#/">To Notion</a>' }));
  return render(SignInProgress, { props: { flow, done } }).body;
}

it('says what a sign-in waits for, for how long, and how to end it', () => {
  for (const [state, sentence] of [
    [{ state: 'discovering' }, 'Asking Notion how to sign in…'],
    [{ state: 'registering' }, 'Registering AgentPort with Notion…'],
    [{ state: 'exchanging' }, 'Getting the tokens from Notion…'],
    [{ state: 'connecting' }, 'Connecting to Notion and asking for its tools…'],
  ] as const) {
    const shown = text(progress(state));
    for (const part of [sentence, '5:00', 'Cancel this sign-in']) expect(shown).toContain(part);
    expect(shown).not.toContain('browser again');
  }
});

it('offers the browser, the address and a pasted answer while it waits for consent', () => {
  const waiting = text(progress(WAITING));
  for (const part of [
    'Waiting for your consent in the browser.',
    'Open the browser',
    '[Copy address of the sign-in page]',
    'Paste the address the browser ended on…',
    'Cancel this sign-in',
  ]) {
    expect(waiting).toContain(part);
  }
  expect(waiting).not.toContain('Open the browser again');
  const opened = text(progress(WAITING, (flow) => (flow.opened = true)));
  expect(opened).toContain('Open the browser again');
  expect(opened).toContain('Your browser shows a page of Notion.');
});

it('shows the exact redirect URI where a client of the owner is needed', () => {
  const html = progress({ state: 'client_needed', message: 'Notion admits approved clients only.' });
  const shown = text(html);
  for (const part of [
    'Notion admits approved clients only.',
    'exactly as it stands here: http://127.0.0.1:3118/callback',
    '[Copy the redirect URI]',
    'Client id',
    'Client secret optional',
    'Sign in with Notion',
  ]) {
    expect(shown).toContain(part);
  }
  // Nothing is sent without a client id.
  expect(html).toMatch(/<button class="btn primary[^"]*" disabled/);
  expect(html).toMatch(/<input[^>]*type="password"[^>]*autocomplete="new-password"/);
});

it('says how it ended', () => {
  const done = text(progress({ state: 'done', account: 'a1' }));
  expect(done).toContain('You are signed in to Notion.');
  expect(done).toContain('To Notion');
  const failed = text(progress({ state: 'failed', message: 'You said no at Notion. Try again.' }));
  expect(failed).toContain('You said no at Notion. Try again.');
  expect(failed).toContain('Try again');
  expect(failed).not.toContain('Cancel this sign-in');
});

it('tells what was odd on the way, with what hides made visible', () => {
  const flow = new SignInFlow();
  flow.view = signIn({ state: 'exchanging' }, { notes: ['Skipped https://a.example\u202e.'] });
  const done = createRawSnippet(() => ({ render: () => '<i></i>' }));
  const shown = text(render(SignInProgress, { props: { flow, done } }).body);
  expect(shown).toContain('What was odd on the way (1)');
  expect(shown).toContain('Skipped https://a.example⟨U+202E⟩.');
});

const row = (one: AccountView, others: AccountView[] = []) =>
  text(render(AccountRow, { props: { account: one, accounts: [one, ...others], name: 'Notion' } }).body);

it('shows an account with its state, its renewal and what was granted', () => {
  const shown = row(
    account({
      label: 'work',
      workspace: 'Acme',
      is_default: true,
      scopes: ['read', 'write'],
      refreshed_at: '2026-01-31T11:00:00Z',
      expires_at: '2026-01-31T13:00:00Z',
    }),
    [account({ id: 'a2' })],
  );
  for (const part of [
    'work Acme Default',
    'Connected',
    'Refreshed 1 h ago, renews itself',
    'Scopes read write',
    'Issuer https://mcp.notion.com',
    'Client id client-1 (registered by AgentPort)',
    'Access token ends in 1 h',
    '[More about work of Notion]',
  ]) {
    expect(shown).toContain(part);
  }
  expect(shown).not.toContain('Sign in again');
});

it('puts signing in again in front where it is needed', () => {
  for (const [state, sentence] of [
    [{ state: 'expires', at: '2026-02-03T12:00:00Z' }, 'Expires in 3 days'],
    [{ state: 'sign_in_needed', message: 'Notion revoked it.' }, 'Sign-in needed : Notion revoked it.'],
  ] as const) {
    const shown = row(account({ state }));
    expect(shown).toContain(sentence);
    expect(shown).toContain('Sign in again');
  }
  const unreachable = account({
    state: { state: 'unreachable', message: 'No answer.', retry_at: null },
  });
  expect(row(unreachable)).toContain('Unreachable : No answer, tried again with the next call');
  expect(row(unreachable)).not.toContain('Sign in again');
});

it('says of a single account not that it is the default, and of a token nothing of OAuth', () => {
  expect(row(account({ is_default: true }))).not.toContain('Default');
  const token = row(
    account({
      auth_method: 'token',
      issuer: null,
      client_id: null,
      client_source: null,
      renews_itself: false,
    }),
  );
  expect(token).toContain('A token, in the vault');
  for (const part of ['Scopes', 'Issuer', 'Client id', 'renew']) expect(token).not.toContain(part);
});

it('offers one more account only where the integration takes it', () => {
  const group = { integration: 'notion', name: 'Notion', accounts: [] };
  const shown = (takesMore: boolean) =>
    text(render(AccountGroup, { props: { group: { ...group, takesMore } } }).body);
  expect(shown(true)).toContain('[Add account of Notion]');
  expect(shown(true)).toContain('No account: its tools that need one do not work.');
  expect(shown(false)).not.toContain('Add account');
});
