import { expect, it } from 'vitest';
import { strength } from './strength';

it('wants length and variety', () => {
  for (const [password, level] of [
    ['', 0],
    ['short', 0],
    ['123456789', 0],
    ['1234567890', 1],
    ['aaaaaaaaaaaaaaaa', 1],
    ['password12', 1],
    ['kqzmvbwtra', 2],
    ['horse staple', 2],
    ['correct horse battery', 4],
    ['7hX!w-q2Zp4L', 3],
  ] as const) {
    expect(strength(password).level, password).toBe(level);
  }
});

it('says how much is missing', () => {
  expect(strength('ninechars').words).toBe('1 more character');
});
