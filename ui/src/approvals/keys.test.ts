import { describe, expect, it } from 'vitest';
import { command, step } from './keys';

const plain = { ctrlKey: false, metaKey: false, altKey: false, repeat: false };

describe('command', () => {
  it('knows its keys', () => {
    expect(['j', 'k', 'a', 'd', '?', 'x', 'A', 'Enter'].map((key) => command({ ...plain, key }))).toEqual([
      'next',
      'previous',
      'approve',
      'deny',
      'help',
      null,
      null,
      null,
    ]);
  });

  it('leaves combinations to the browser', () => {
    for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) {
      expect(command({ ...plain, key: 'a', [modifier]: true }), modifier).toBeNull();
    }
  });

  it('moves while a key is held, and decides nothing', () => {
    expect(command({ ...plain, key: 'j', repeat: true })).toBe('next');
    expect(command({ ...plain, key: 'a', repeat: true })).toBeNull();
    expect(command({ ...plain, key: 'd', repeat: true })).toBeNull();
  });
});

describe('step', () => {
  it('moves and stays at the ends', () => {
    const ids = ['a', 'b', 'c'];
    expect(step(ids, 'a', 1)).toBe('b');
    expect(step(ids, 'c', 1)).toBe('c');
    expect(step(ids, 'a', -1)).toBe('a');
    expect(step(ids, null, 1)).toBe('a');
    expect(step(ids, null, -1)).toBe('a');
    expect(step(ids, 'gone', 1)).toBe('a');
    expect(step([], 'a', 1)).toBeNull();
  });
});
