import { describe, expect, it } from 'vitest';
import type { AccountState } from '../bindings/AccountState';
import type { SignInState } from '../bindings/SignInState';
import {
  accountOf,
  accountSentence,
  accountWords,
  refreshWords,
  signInIsOver,
  signInSentence,
  signInSteps,
  wantsSignIn,
} from './accounts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const in3days = '2026-02-03T12:00:00Z';
const past = '2026-01-31T11:00:00Z';

describe('the state of an account', () => {
  it('is said in true words', () => {
    const cases: [AccountState, string, boolean][] = [
      [{ state: 'connected' }, 'Connected', false],
      [{ state: 'expires', at: in3days }, 'Expires in 3 days', true],
      [{ state: 'expires', at: past }, 'Expired', true],
      [
        { state: 'sign_in_needed', message: 'The provider refused to renew it.' },
        'Sign-in needed: The provider refused to renew it.',
        true,
      ],
      [
        { state: 'unreachable', message: 'The connection timed out.', retry_at: null },
        'Unreachable: The connection timed out.',
        false,
      ],
    ];
    for (const [state, sentence, wants] of cases) {
      expect([accountSentence(state, NOW), wantsSignIn(state)]).toEqual([sentence, wants]);
    }
  });

  it('says when an unreachable one is tried again', () => {
    const retry_at = '2026-01-31T12:05:00Z';
    const { word, detail } = accountWords({ state: 'unreachable', message: 'No route', retry_at }, NOW);
    expect(word).toBe('Unreachable');
    expect(detail).toBe('No route (tried again in 5 min)');
  });
});

it('says when an account was renewed, and by whom it is next', () => {
  const oauth = {
    auth_method: 'oauth',
    created_at: past,
    refreshed_at: null,
    renews_itself: true,
    state: { state: 'connected' },
  } as const;
  for (const [view, words] of [
    [oauth, 'Signed in 1 h ago, renews itself'],
    [{ ...oauth, refreshed_at: '2026-01-31T11:55:00Z' }, 'Renewed 5 min ago, renews itself'],
    [{ ...oauth, state: { state: 'sign_in_needed', message: 'Revoked.' } }, 'Signed in 1 h ago'],
    [{ ...oauth, renews_itself: false }, 'Signed in 1 h ago, not renewed without you'],
    [{ ...oauth, auth_method: 'token' }, 'Added 1 h ago'],
  ] as const) {
    expect(refreshWords(view, NOW)).toBe(words);
  }
});

it('names the account of a call only where the gateway does', () => {
  expect(accountOf({ id: 'c1', account: 'work' })).toBe('work');
  expect(accountOf({ id: 'c1', account: null })).toBeNull();
  expect(accountOf({ id: 'c1' })).toBeNull();
});

describe('a sign-in', () => {
  const url = 'https://auth.example.com/authorize';
  const states: [SignInState, string, string, boolean][] = [
    [{ state: 'discovering' }, 'Asking Notion how to sign in…', 'busy quiet quiet quiet', false],
    [
      { state: 'registering' },
      'Registering AgentPort with the provider of Notion…',
      'busy quiet quiet quiet',
      false,
    ],
    [
      { state: 'waiting_for_consent', authorization_url: url },
      'Waiting for your consent in the browser.',
      'good busy quiet quiet',
      false,
    ],
    [{ state: 'exchanging' }, 'Getting the tokens…', 'good good busy quiet', false],
    [{ state: 'connecting' }, 'Connecting Notion…', 'good good good busy', false],
    [{ state: 'done', account: 'a1' }, 'You are signed in to Notion.', 'good good good good', true],
    [
      { state: 'client_needed', message: 'Register one.' },
      'Notion wants a client of your own.',
      'quiet quiet quiet quiet',
      true,
    ],
    [{ state: 'failed', message: 'You said no.' }, 'You said no.', 'quiet quiet quiet quiet', true],
  ];

  it('says what it waits for, how far it is, and whether it has ended', () => {
    for (const [state, sentence, tones, over] of states) {
      const steps = signInSteps(state).map(({ tone }) => tone);
      expect([signInSentence(state, 'Notion'), steps.join(' '), signInIsOver(state)]).toEqual([
        sentence,
        tones,
        over,
      ]);
    }
  });
});
