import { describe, expect, it } from 'vitest';
import { ExactNumber, parse } from '../host/json';
import { fields, number, withValue } from './form';

const schema = {
  type: 'object',
  properties: {
    text: { type: 'string', title: 'Text', description: 'What to write' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    urgent: { type: 'boolean' },
    colour: { enum: ['red', 'green'] },
  },
  required: ['text'],
};

describe('fields', () => {
  it('makes a form of a flat schema', () => {
    const form = fields(schema, { text: 'hi', count: 2 });
    expect(form?.map(({ name, kind, required }) => [name, kind, required])).toEqual([
      ['text', 'text', true],
      ['count', 'integer', false],
      ['ratio', 'number', false],
      ['urgent', 'flag', false],
      ['colour', 'choice', false],
    ]);
    expect(form?.[0]).toMatchObject({ title: 'Text', description: 'What to write' });
  });

  it('leaves everything else to JSON', () => {
    for (const [why, odd, args] of [
      ['no schema', null, {}],
      ['no properties', { type: 'object' }, {}],
      ['nested', { properties: { a: { type: 'object' } } }, {}],
      ['several types', { properties: { a: { type: ['string', 'null'] } } }, {}],
      ['choices that are no text', { properties: { a: { enum: [1, 2] } } }, {}],
      ['an argument the schema does not name', schema, { other: 1 }],
      ['an argument of another type', schema, { text: 1 }],
      ['an argument that is no choice', schema, { colour: 'blue' }],
      ['arguments that are no object', schema, [1]],
    ] as const) {
      expect(fields(odd, args), why).toBeNull();
    }
  });

  it('takes numbers in their own spelling', () => {
    expect(fields(schema, parse('{"text":"x","count":9007199254740993}'))).not.toBeNull();
  });
});

describe('number', () => {
  it('keeps the spelling and knows integers', () => {
    expect(number(' 12 ', 'integer')).toBe(12);
    expect(number('1.5', 'integer')).toBeNull();
    expect(number('1.5', 'number')).toBe(1.5);
    expect(number('9007199254740993', 'integer')).toEqual(new ExactNumber('9007199254740993'));
    for (const bad of ['', 'x', '1,5', '"1"', 'true', '01']) expect(number(bad, 'number'), bad).toBeNull();
  });
});

describe('withValue', () => {
  it('replaces in place, adds at the end and takes out', () => {
    expect(Object.entries(withValue({ a: 1, b: 2 }, 'a', 3))).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
    expect(withValue({ a: 1 }, 'b', 2)).toEqual({ a: 1, b: 2 });
    expect(withValue({ a: 1, b: 2 }, 'a', undefined)).toEqual({ b: 2 });
  });
});
