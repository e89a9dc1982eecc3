import { describe, expect, it } from 'vitest';
import { following, lingers, waitingWords } from './window';

describe('following', () => {
  const request = (id: string, minute: number) => ({ id, created_at: `2026-01-31T12:0${minute}:00Z` });
  const waiting = [request('new', 5), request('old', 1), request('middle', 3)];

  it('is what was asked for, else the oldest of the others', () => {
    expect(following(waiting, 'new', null)).toBe('old');
    expect(following(waiting, 'old', null)).toBe('middle');
    expect(following(waiting, 'old', 'new')).toBe('new');
    expect(following(waiting, null, 'gone')).toBe('old');
    expect(following(waiting, 'new', 'new')).toBe('old');
  });

  it('may be none', () => {
    expect(following([], 'a', 'a')).toBeNull();
    expect(following([request('a', 1)], 'a', null)).toBeNull();
  });
});

it('a request stays while it waits, and for a moment once it is decided', () => {
  expect(lingers('pending')).toBeNull();
  expect(lingers('denied')).toBe(lingers('done'));
  expect(lingers('expired')).toBeGreaterThan(lingers('approved') ?? Infinity);
});

it('says nothing of other requests before they are known', () => {
  expect(waitingWords(undefined, 'a')).toBe('');
  expect(waitingWords([{ id: 'a' }], null)).toBe('');
  expect(waitingWords([{ id: 'a' }], 'a')).toBe('Nothing else is waiting');
  expect(waitingWords([{ id: 'a' }, { id: 'b' }], 'a')).toBe('1 more waiting');
});
