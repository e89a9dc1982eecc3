import { describe, expect, it } from 'vitest';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import type { TokenField } from '../bindings/TokenField';
import { more, refusal, toEnter } from './entry';

const field = (name: string): TokenField => ({ name, label: 'API key', header: 'x-api-key' });
const offered = (auth: AvailableIntegration['auth']): AvailableIntegration => ({
  id: 'exa',
  name: 'Exa',
  description: 'Searches the web.',
  url: 'https://mcp.exa.ai/mcp',
  docs_url: 'https://docs.exa.ai',
  auth,
  categories: [],
  popular: true,
  installed: false,
});

describe('what is to be entered', () => {
  it('is the one token there is, here', () => {
    const install = offered([{ method: 'none' }, { method: 'token', fields: [field('token')] }]);
    expect(toEnter({ install, arguments: {} })).toEqual({
      item: install,
      only: field('token'),
      signIn: false,
    });
  });

  it('is in the install sheet where there are several', () => {
    const install = offered([{ method: 'token', fields: [field('token1'), field('token2')] }]);
    expect(toEnter({ install, arguments: {} })).toEqual({ item: install, only: null, signIn: false });
  });

  it('is a consent in the browser where that was asked for, or is the only way', () => {
    const oauth = { method: 'oauth', own_client_required: false, redirect_uri: '', scopes: null } as const;
    const both = offered([{ method: 'token', fields: [field('token')] }, oauth]);
    const signIn = { item: both, only: null, signIn: true };
    expect(toEnter({ install: both, arguments: { auth_method: 'oauth' } })).toEqual(signIn);
    expect(toEnter({ install: both, arguments: { auth_method: 'token' } })?.only).toEqual(field('token'));
    const only = offered([oauth]);
    expect(toEnter({ install: only, arguments: null })).toEqual({ item: only, only: null, signIn: true });
  });

  it('is in the install sheet where a command has to be filled in', () => {
    const launch = { command: 'npx -y x@1.0.0 {folder}', fields: [] };
    const install = { ...offered([{ method: 'none' }]), launch };
    expect(toEnter({ install, arguments: {} })).toEqual({ item: install, only: null, signIn: false });
  });

  it('is nothing where a yes is enough', () => {
    expect(toEnter({ install: null, arguments: {} })).toBeNull();
    expect(toEnter({ install: offered([{ method: 'none' }]), arguments: {} })).toBeNull();
  });
});

it('what is not installed has no page yet', () => {
  const exa = { integration: 'exa' };
  expect(more({ ...exa, tool: 'agentport__install_integration' })).toBe('#/integrations/install/exa');
  expect(more({ ...exa, tool: 'agentport__uninstall_integration' })).toBe('#/integrations/exa');
  expect(more({ ...exa, tool: 'web_search' })).toBe('#/integrations/exa');
});

it('a refusal stands at the field that it is about', () => {
  const failure = (about: string | null) => ({
    message: 'Exa refused the credential.',
    field: about,
    status: 502,
    retryAfter: null,
    code: null,
    token: null,
  });
  for (const [about, told] of [
    ['secrets', true],
    ['token', true],
    ['method', false],
    [null, false],
  ] as const) {
    expect(refusal(failure(about), field('token')), String(about)).toBe(
      told ? 'Exa refused the credential.' : null,
    );
  }
  expect(refusal(null, field('token'))).toBeNull();
});
