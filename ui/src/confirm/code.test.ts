import { describe, expect, it } from 'vitest';
import { meant, usable } from './code';

describe('a code', () => {
  it('is sent as it is meant', () => {
    expect(meant('one_time', ' 123 456 ')).toBe('123456');
    expect(meant('one_time', '123-456')).toBe('123456');
    expect(meant('recovery', ' abcd-efgh ')).toBe('abcd-efgh');
  });

  it('of six digits can be sent, and nothing else', () => {
    for (const good of ['123456', '000 000']) expect(usable('one_time', good), good).toBe(true);
    for (const bad of ['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦']) {
      expect(usable('one_time', bad), bad).toBe(false);
    }
    expect(usable('recovery', 'abcd-efgh')).toBe(true);
    expect(usable('recovery', '   ')).toBe(false);
  });
});
