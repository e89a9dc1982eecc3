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
    expect(toEnter({ install })).toEqual({ item: install, only: field('token') });
  });

  it('is in the install sheet where there are several', () => {
    const install = offered([{ method: 'token', fields: [field('token1'), field('token2')] }]);
    expect(toEnter({ install })).toEqual({ item: install, only: null });
  });

  it('is nothing where a yes is enough', () => {
    expect(toEnter({ install: null })).toBeNull();
    expect(toEnter({ install: offered([{ method: 'none' }]) })).toBeNull();
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
