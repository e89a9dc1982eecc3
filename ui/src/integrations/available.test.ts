import { describe, expect, it } from 'vitest';
import type { AuthMethod } from '../bindings/AuthMethod';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import { needs, parts, place, wayName } from './available';

const item = (id: string, popular = false) => ({ id, popular }) as AvailableIntegration;
const shown = (items: AvailableIntegration[], search = '') =>
  parts(items, search).map(({ title, items }) => [title, items.map(({ id }) => id).join(' ')]);

describe('parts', () => {
  it('puts what is popular first, and a search in its own order', () => {
    const all = [item('a'), item('b', true), item('c'), item('d', true)];
    expect(shown(all)).toEqual([
      ['Popular', 'b d'],
      ['All others', 'a c'],
    ]);
    expect(shown(all, 'x')).toEqual([[null, 'a b c d']]);
  });

  it('names no part that is the only one, or empty', () => {
    expect(shown([item('a')])).toEqual([[null, 'a']]);
    expect(shown([item('a', true)])).toEqual([[null, 'a']]);
    expect([shown([]), shown([], 'x')]).toEqual([[], []]);
  });
});

const none: AuthMethod = { method: 'none' };
const token = (...names: string[]): AuthMethod => ({
  method: 'token',
  fields: names.map((name) => ({ name, label: name, header: 'X' })),
});
const oauth = (own_client_required = false): AuthMethod => ({
  method: 'oauth',
  own_client_required,
  redirect_uri: 'http://127.0.0.1:{port}/callback',
  scopes: null,
});

it('says what it takes', () => {
  for (const [auth, words] of [
    [[none], 'No sign-in'],
    [[token('token')], 'Token'],
    [[token('token1', 'token2')], '2 tokens'],
    [[token('token'), none], 'Token, or no sign-in'],
    [[oauth()], 'Sign-in'],
    [[token('token'), oauth()], 'Sign-in, or token'],
    [[oauth(true)], 'Sign-in with a client of your own'],
    [[], 'No sign-in'],
  ] as const) {
    expect(needs(auth)).toBe(words);
  }
});

it('names each way where there is a choice', () => {
  expect([oauth(), token('a', 'b'), token('a'), none].map(wayName)).toEqual([
    'In the browser',
    'With tokens',
    'With a token',
    'Without sign-in',
  ]);
});

it('knows the place', () => {
  expect(place('https://mcp.example.com/v1/mcp')).toBe('mcp.example.com');
  expect(place('nonsense')).toBe('nonsense');
});
