import { describe, expect, it } from 'vitest';
import { ExactNumber, parse, same, stringify } from './json';

describe('parse', () => {
  it('reads what JSON.parse reads', () => {
    for (const text of [
      '{"a":[1,-2.5,true,false,null,"x\\n\\u00e9\\"",{}],"b":{"c":[]}}',
      ' [ 1 , "2" ]\n',
      '"alone"',
      '0',
    ]) {
      expect(parse(text)).toEqual(JSON.parse(text));
    }
  });

  it('keeps numbers that JavaScript would write differently', () => {
    for (const source of [
      '1.0',
      '9007199254740993',
      '1e3',
      '-0',
      '0.10',
      '1E400',
      '12345678901234567890.5',
    ]) {
      const read = parse(`{"n":${source}}`) as { n: unknown };
      expect(read.n).toBeInstanceOf(ExactNumber);
      expect(stringify(read)).toBe(`{"n":${source}}`);
    }
  });

  it('keeps a key named __proto__ as a key', () => {
    const read = parse('{"__proto__":{"admin":true}}');
    expect(stringify(read)).toBe('{"__proto__":{"admin":true}}');
    expect((read as { admin?: boolean }).admin).toBeUndefined();
  });

  it('says where the text is wrong', () => {
    for (const [text, where] of [
      ['{"a":}', 'line 1, column 6'],
      ['{\n  "a": 1,\n}', 'line 3, column 1'],
      ['[1', 'ends too early'],
      ['01', 'column 2'],
      ["{'a':1}", 'column 2'],
      ['"tab\there"', 'column 1'],
      ['', 'ends too early'],
      ['['.repeat(100_000), 'too deeply'],
    ] as const) {
      expect(() => parse(text), text.slice(0, 20)).toThrow(where);
    }
  });
});

describe('stringify', () => {
  it('indents', () => {
    expect(stringify({ a: [1], b: {}, c: undefined }, 2)).toBe('{\n  "a": [\n    1\n  ],\n  "b": {}\n}');
  });
});

describe('same', () => {
  it('ignores the order of keys and minds the spelling of numbers', () => {
    expect(same(parse('{"a":1,"b":{"c":2,"d":3}}'), parse('{"b":{"d":3,"c":2},"a":1}'))).toBe(true);
    expect(same(parse('[1]'), parse('[1.0]'))).toBe(false);
    expect(same(parse('[1,2]'), parse('[2,1]'))).toBe(false);
    expect(same(parse('{"a":null}'), parse('{}'))).toBe(false);
  });
});
