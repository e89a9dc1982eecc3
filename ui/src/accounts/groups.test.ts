import { describe, expect, it } from 'vitest';
import type { IntegrationView } from '../bindings/IntegrationView';
import { account } from './fixtures';
import { groups, lossOf, maySignIn, signsIn, takesAccounts } from './groups';

const integration = (id: string, name: string, oauth = true) =>
  ({
    id,
    name,
    connection: {
      type: 'remote_mcp',
      url: 'https://mcp.example.com/mcp',
      headers: {},
      ...(oauth ? { oauth: {} } : {}),
    },
  }) as IntegrationView;

describe('groups', () => {
  it('stand by name, those that need the owner first, each with its default first', () => {
    const accounts = [
      account({ id: 'a1', integration: 'notion', label: 'home' }),
      account({ id: 'a2', integration: 'notion', label: 'work', is_default: true }),
      account({ id: 'a3', integration: 'sentry', state: { state: 'sign_in_needed', message: 'Revoked.' } }),
      account({ id: 'a4', integration: 'asana' }),
    ];
    const found = groups(accounts, [
      integration('notion', 'Notion'),
      integration('sentry', 'Sentry'),
      integration('asana', 'asana'),
    ]);
    expect(found.map(({ name, accounts }) => [name, accounts.map(({ label }) => label)])).toEqual([
      ['Sentry', ['default']],
      ['asana', ['default']],
      ['Notion', ['work', 'home']],
    ]);
  });

  it('hold an integration without an account only where one can be added', () => {
    const found = groups([], [integration('notion', 'Notion'), integration('exa', 'Exa', false)]);
    expect(found).toEqual([{ integration: 'notion', name: 'Notion', takesMore: true, accounts: [] }]);
  });

  it('name an integration by its id while its name is not known', () => {
    const [group] = groups([account({ integration: 'notion' })], []);
    expect([group?.name, group?.takesMore]).toEqual(['notion', false]);
  });
});

const byToken = {
  id: 'exa',
  name: 'Exa',
  connection: { type: 'remote_mcp', url: 'https://h.test/mcp', headers: { 'x-api-key': '{token}' } },
} as unknown as IntegrationView;

it('has the places of the secrets where accounts are let in by a token', () => {
  const [group] = groups([], [byToken]);
  const tokens = [{ name: 'token', where: 'x-api-key: ••••••••' }];
  expect(group).toEqual({ integration: 'exa', name: 'Exa', takesMore: true, tokens, accounts: [] });
  const rest = { command: 'x', args: [], env: {}, secret_env: ['KEY'], cwd: null };
  expect(takesAccounts({ connection: { type: 'local_mcp', ...rest } })).toBe(false);
  expect(takesAccounts(byToken)).toBe(true);
});

it('knows who takes accounts', () => {
  expect(signsIn(integration('notion', 'Notion'))).toBe(true);
  expect(signsIn(integration('exa', 'Exa', false))).toBe(false);
  expect(signsIn({ connection: { type: 'builtin', name: 'demo' } })).toBe(false);
});

it('offers to sign in to a server that is given nothing to let AgentPort in', () => {
  const remote = (url: string, headers: Record<string, string> = {}) =>
    maySignIn({ connection: { type: 'remote_mcp', url, headers } });
  expect(remote('https://h.test/mcp', { 'X-Region': 'eu' })).toBe(true);
  expect(remote('https://h.test/mcp', { authorization: 'Bearer {token}' })).toBe(false);
  expect(remote('https://h.test/mcp?key={token1}')).toBe(false);
  expect(maySignIn(integration('notion', 'Notion'))).toBe(true);
  expect(maySignIn({ connection: { type: 'builtin', name: 'demo' } })).toBe(false);
});

it('says what stops working', () => {
  const one = account({ id: 'a1', is_default: true });
  const two = account({ id: 'a2', label: 'work' });
  const three = account({ id: 'a3', label: 'club' });
  expect(lossOf(one, [], 'Notion')).toBe(
    'It is the only account of Notion: its tools stop working until you sign in again.',
  );
  expect(lossOf(account({ auth_method: 'token' }), [], 'Exa')).toMatch(/until you give a token again\.$/);
  expect(lossOf(one, [two], 'Notion')).toMatch(/^The default becomes “work”\. Agents and profiles/);
  expect(lossOf(one, [two, three], 'Notion')).toMatch(/^The default becomes one of the others\. /);
  expect(lossOf(two, [one], 'Notion')).toMatch(/^Agents and profiles .* use the default of Notion/);
});
