import { expect, it } from 'vitest';
import type { LaunchField } from '../bindings/LaunchField';
import { complete, initial, toValues } from './launch';

const field = (name: string, more: Partial<LaunchField> = {}): LaunchField => ({
  name,
  label: name,
  description: '',
  kind: 'text',
  required: false,
  repeated: false,
  default: [],
  choices: [],
  goes_into: 'arg',
  ...more,
});
const fields = [
  field('folders', { kind: 'folder', required: true, repeated: true }),
  field('mode', { kind: 'choice', choices: ['a', 'b'], default: ['a'] }),
  field('key', { kind: 'secret' }),
];

it('begins with the defaults', () => {
  expect(initial(fields)).toEqual({ folders: [''], mode: ['a'], key: [''] });
});

it('is complete once all is filled in that has to be', () => {
  const filled = initial(fields);
  expect(complete(fields, filled)).toBe(false);
  expect(complete(fields, { ...filled, folders: ['', ' /a '] })).toBe(true);
});

it('sends secrets apart, and no blanks', () => {
  const filled = { folders: [' /a ', '', '/b'], mode: [''], key: ['obviously-fake'] };
  expect(toValues(fields, filled)).toEqual({
    fields: { folders: ['/a', '/b'], mode: [] },
    secrets: { key: 'obviously-fake' },
  });
  expect(toValues(fields, initial(fields)).secrets).toEqual({});
});
