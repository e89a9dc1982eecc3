/** What stands on the page for each state of a sign-in and of an account. Rendered as on a server: nothing is loaded. */
import { createRawSnippet } from 'svelte';
import { render } from 'svelte/server';
import { beforeEach, expect, it, vi } from 'vitest';
import type { AccountView } from '../bindings/AccountView';
import type { SignInState } from '../bindings/SignInState';
import { textOf } from '../testing/rendered';
import AccountGroup from './AccountGroup.svelte';
import AccountRow from './AccountRow.svelte';
import { account, signIn, WAITING } from './fixtures';
import { SignInFlow } from './signInFlow.svelte';
import SignInProgress from './SignInProgress.svelte';

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
    [{ state: 'registering' }, 'Registering AgentPort with the provider of Notion…'],
    [{ state: 'exchanging' }, 'Getting the tokens…'],
    [{ state: 'connecting' }, 'Connecting Notion…'],
  ] as const) {
    const shown = textOf(progress(state));
    for (const part of [sentence, '5:00', 'Cancel this sign-in']) expect(shown).toContain(part);
    expect(shown).not.toContain('browser again');
  }
});

it('offers the browser, the address and a pasted answer while it waits for consent', () => {
  const waiting = textOf(progress(WAITING));
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
  const opened = textOf(progress(WAITING, (flow) => (flow.opened = true)));
  expect(opened).toContain('Open the browser again');
  expect(opened).toContain('Your browser shows a page of Notion.');
});

it('shows the exact redirect URI where a client of the owner is needed', () => {
  const html = progress({ state: 'client_needed', message: 'Notion admits approved clients only.' });
  const shown = textOf(html);
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
  const done = textOf(progress({ state: 'done', account: 'a1' }));
  expect(done).toContain('You are signed in to Notion.');
  expect(done).toContain('To Notion');
  const failed = textOf(progress({ state: 'failed', message: 'You said no at Notion. Try again.' }));
  expect(failed).toContain('You said no at Notion. Try again.');
  expect(failed).toContain('Try again');
  expect(failed).not.toContain('Cancel this sign-in');
});

it('tells what was odd on the way, with what hides made visible', () => {
  const flow = new SignInFlow();
  flow.view = signIn({ state: 'exchanging' }, { notes: ['Skipped https://a.example\u202e.'] });
  const done = createRawSnippet(() => ({ render: () => '<i></i>' }));
  const shown = textOf(render(SignInProgress, { props: { flow, done } }).body);
  expect(shown).toContain('What was odd on the way (1)');
  expect(shown).toContain('Skipped https://a.example⟨U+202E⟩.');
});

const row = (one: AccountView, others: AccountView[] = []) =>
  textOf(render(AccountRow, { props: { account: one, accounts: [one, ...others], name: 'Notion' } }).body);

it('shows an account with its state, its renewal and what was granted', () => {
  const shown = row(
    account({
      label: 'work',
      workspace: 'Acme',
      is_default: true,
      scopes: ['read', 'write'],
      wanted_scopes: ['admin'],
      refreshed_at: '2026-01-31T11:00:00Z',
      expires_at: '2026-01-31T13:00:00Z',
    }),
    [account({ id: 'a2' })],
  );
  for (const part of [
    'work Acme Default',
    'Connected',
    'Renewed 1 h ago, renews itself',
    'Scopes read write',
    'Wanted as well admin Its server asked for more.',
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
  expect(row(unreachable)).toContain('Unreachable : No answer.');
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

it('offers another token where an account that is let in by one is refused', () => {
  const refused = account({
    auth_method: 'token',
    client_source: null,
    state: { state: 'sign_in_needed', message: 'The server refused the credential.' },
  });
  const tokens = [{ name: 'token', where: 'x-api-key: ••••••••' }];
  const props = { account: refused, accounts: [refused], name: 'Exa', tokens };
  const shown = textOf(render(AccountRow, { props }).body);
  expect(shown).toContain('Sign-in needed : The server refused the credential.');
  expect(shown).toContain('Replace token…');
  expect(shown).not.toContain('Sign in again');
});

it('offers one more account only where the integration takes it', () => {
  const group = { integration: 'notion', name: 'Notion', accounts: [] };
  const shown = (takesMore: boolean) =>
    textOf(render(AccountGroup, { props: { group: { ...group, takesMore } } }).body);
  expect(shown(true)).toContain('[Add account of Notion]');
  expect(shown(true)).toContain('No account: its tools that need one do not work.');
  expect(shown(false)).not.toContain('Add account');
});
