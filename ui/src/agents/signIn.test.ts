import { expect, it } from 'vitest';
import { isSignedOut, shutOutWords, signInsWords } from './signIn';
import { agent, signIn } from './fixtures';

it('says whether an agent has to sign in again', () => {
  expect(isSignedOut(agent())).toBe(false);
  expect(isSignedOut(agent({ oauth: signIn() }))).toBe(false);
  expect(isSignedOut(agent({ oauth: signIn({ valid: 0 }) }))).toBe(true);
  expect(isSignedOut(agent({ oauth: signIn({ valid: 0 }), revoked_at: '2026-01-31T12:00:00Z' }))).toBe(false);
  expect(signInsWords({ valid: 0 })).toContain('again');
  expect(signInsWords({ valid: 1 })).toBe('1 sign-in valid');
  expect(signInsWords({ valid: 2 })).toBe('2 sign-ins valid');
});

it('calls shutting out what it is', () => {
  expect(shutOutWords(agent()).title).toBe('Revoke the key of Cursor?');
  expect(shutOutWords(agent({ oauth: signIn() })).verb).toBe('Sign out and shut out');
});
