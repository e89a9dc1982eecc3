import { expect, it } from 'vitest';
import { asRequestState, endingOf, redirectWords, wantsIn } from './consents';

it('says where an agent goes on to, and marks what hides', () => {
  expect(redirectWords({ kind: 'loopback', port: 53123 })).toBe('a program on this computer, port 53123');
  expect(redirectWords({ kind: 'app', scheme: 'cursor' })).toBe('the app that opens cursor: addresses');
  expect(redirectWords({ kind: 'site', host: 'claude.ai' })).toBe('the site https://claude.ai');
  expect(redirectWords({ kind: 'site', host: 'claude.ai\u202e.evil' })).toContain('⟨U+202E⟩');
  // The first letter is Cyrillic.
  expect(redirectWords({ kind: 'site', host: '\u0441laude.ai' })).toContain('look-alike');
});

it('says whether it was in before', () => {
  expect(wantsIn({ known_as: null })).toBe('A new agent wants in');
  expect(wantsIn({ known_as: { id: 'a', name: 'Cursor', profile: null } })).toBe('An agent wants in again');
});

it('says how a request ended, and nothing while it waits', () => {
  expect(endingOf('waiting')).toBeNull();
  expect(endingOf('approved')?.label).toBe('Let in');
  expect(endingOf('denied')?.meaning).toContain('no access');
  expect(endingOf('expired')?.meaning).toContain('again');
  expect(asRequestState('waiting')).toBe('pending');
  expect(asRequestState('denied')).toBe('denied');
});
