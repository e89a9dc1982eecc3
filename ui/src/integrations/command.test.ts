import { describe, expect, it } from 'vitest';
import { join, split } from './command';

describe('split', () => {
  it('groups as a shell does, and expands nothing', () => {
    for (const [line, words] of [
      ['npx -y @scope/server /some/folder', ['npx', '-y', '@scope/server', '/some/folder']],
      ['  spaced   out  ', ['spaced', 'out']],
      [`a "b c" 'd "e"' f\\ g`, ['a', 'b c', 'd "e"', 'f g']],
      [`x "" y''z`, ['x', '', 'yz']],
      [`"a \\" b \\n"`, ['a " b \\n']],
      ['echo $HOME ~ *', ['echo', '$HOME', '~', '*']],
      [`'a|b'`, ['a|b']],
      ['', []],
    ] as const) {
      expect(split(line), line).toEqual(words);
    }
  });

  it('refuses what it would get wrong', () => {
    for (const line of ['a | b', 'a; b', 'a && b', 'a > b', 'a `b`', 'a "b', "a 'b", 'a \\']) {
      expect(() => split(line), line).toThrow();
    }
  });
});

describe('join', () => {
  it('is undone by split', () => {
    for (const words of [
      ['npx', '-y', 'a b'],
      ["it's", '"quoted"', ''],
      ['back\\slash', '|', 'ü'],
    ]) {
      expect(split(join(words))).toEqual(words);
    }
  });
});
