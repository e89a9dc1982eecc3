import { describe, expect, it } from 'vitest';
import { needsQuotes, visible } from './visible';

describe('visible', () => {
  it('shows what hides', () => {
    for (const [text, shown] of [
      ['plain ✓ äöü\n\tindented\r\nnext', 'plain ✓ äöü\n\tindented\r\nnext'],
      ['a\u202etxt.exe', 'a⟨U+202E⟩txt.exe'],
      ['zero\u200bwidth', 'zero⟨U+200B⟩width'],
      ['bell\u0007\u001b[2J', 'bell⟨U+0007⟩⟨U+001B⟩[2J'],
      ['over\rwritten', 'over⟨U+000D⟩written'],
      ['\u{e0041}tag', '⟨U+E0041⟩tag'],
      ['👩‍💻', '👩‍💻'],
    ] as const) {
      expect(visible(text)).toBe(shown);
    }
  });
});

describe('needsQuotes', () => {
  it('tells text from what looks like another type', () => {
    expect(['', ' x', '1', '-2.5', 'true', 'null', '1e3'].filter((text) => !needsQuotes(text))).toEqual([]);
    expect(['x', 'truely', '1 apple', 'v1'].filter(needsQuotes)).toEqual([]);
  });
});
