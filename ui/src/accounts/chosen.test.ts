import { expect, it } from 'vitest';
import { defaultWords, inheritedWords, withChoice } from './chosen';
import { account } from './fixtures';

const accounts = [
  account({ id: 'a1', label: 'home', is_default: true }),
  account({ id: 'a2', label: 'work' }),
];

it('chooses for one and leaves the others alone', () => {
  const chosen = { agents: { k1: 'a1' }, profiles: { team: 'a2' } };
  expect(withChoice(chosen, 'agents', 'k2', 'a2')).toEqual({ ...chosen, agents: { k1: 'a1', k2: 'a2' } });
  expect(withChoice(chosen, 'agents', 'k1', null)).toEqual({ ...chosen, agents: {} });
  expect(withChoice(chosen, 'profiles', 'team', 'a1')).toEqual({ ...chosen, profiles: { team: 'a1' } });
  expect(chosen.agents).toEqual({ k1: 'a1' });
});

it('names what is used where nothing is chosen', () => {
  expect(defaultWords(accounts)).toBe('The default (home)');
  const chosen = { agents: {}, profiles: { team: 'a2', old: 'gone' } };
  for (const [profile, words] of [
    [null, 'The default (home)'],
    ['other', 'The default (home)'],
    ['team', 'As its profile (work)'],
    ['old', 'The default (home)'],
  ] as const) {
    expect(inheritedWords({ profile }, chosen, accounts), String(profile)).toBe(words);
  }
});
