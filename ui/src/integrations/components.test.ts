/** What an install sheet offers for each way of being let in. */
import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';
import { SignInFlow } from '../accounts/signInFlow.svelte';
import type { AuthMethod } from '../bindings/AuthMethod';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import { textOf } from '../testing/rendered';
import { Attempt } from './attempt.svelte';
import InstallForm from './InstallForm.svelte';

vi.mock('../host', async () => ({
  ...(await import('../host/types')),
  host: { desktop: null, request: () => new Promise(() => {}), events: () => () => {} },
}));
vi.hoisted(() =>
  vi.stubGlobal('window', { location: { hash: '', search: '', pathname: '/' }, addEventListener: () => {} }),
);

const oauth = (own_client_required = false, scopes: string[] | null = null): AuthMethod => ({
  method: 'oauth',
  own_client_required,
  redirect_uri: 'http://127.0.0.1:{port}/callback',
  scopes,
});
const token: AuthMethod = {
  method: 'token',
  fields: [{ name: 'token', label: 'API key', header: 'x-api-key' }],
};

function form(auth: AuthMethod[], over: Partial<AvailableIntegration> = {}): string {
  const item: AvailableIntegration = {
    id: 'exa',
    name: 'Exa',
    description: 'Searches the web.',
    url: 'https://mcp.exa.ai/mcp',
    variants: [],
    docs_url: 'https://docs.exa.ai',
    auth,
    categories: [],
    popular: true,
    installed: false,
    ...over,
  };
  const props = { item, attempt: new Attempt(), flow: new SignInFlow() };
  return textOf(render(InstallForm, { props }).body);
}

it('offers to sign in, with the scopes that are known', () => {
  const shown = form([oauth(false, ['read', 'write'])]);
  expect(shown).toContain('AgentPort asks Exa for read write');
  expect(shown).toContain('Your browser opens, and Exa asks for your consent.');
  expect(shown).toContain('Sign in with Exa');
  expect(shown).not.toContain('With a token');
});

it('lets the owner choose between the browser and a token, the first way first', () => {
  const browser = form([oauth(), token]);
  expect(browser).toContain('In the browser');
  expect(browser).toContain('With a token');
  expect(browser).toContain('Sign in with Exa');
  expect(browser).not.toContain('API key');
  expect(form([token, oauth()])).toContain('API key');
});

it('says beforehand that a client has to be registered', () => {
  expect(form([oauth(true)])).toContain('Exa takes only clients that you register there');
});

it('asks for the site where there are several', () => {
  const variants = [
    { id: 'us', name: 'United States', url: 'https://mcp.us.example.com/mcp' },
    { id: 'eu', name: 'Europe', url: 'https://mcp.eu.example.com/mcp' },
  ];
  expect(form([oauth()], { variants })).toContain(
    'Which site is yours? United States mcp.us.example.com Europe mcp.eu.example.com',
  );
  expect(form([oauth()])).not.toContain('Which site');
});
