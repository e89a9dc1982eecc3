import { describe, expect, it } from 'vitest';
import type { ActivityRow } from '../bindings/ActivityRow';
import { append, merge, NO_FILTER, query, unsettled } from './rows';

const row = (id: string, outcome = 'ok') => ({ id, outcome }) as ActivityRow;
const ids = (rows: ActivityRow[]) =>
  rows.map(({ id, outcome }) => (outcome === 'ok' ? id : `${id}:${outcome}`));

describe('merge', () => {
  it('puts news above, replaces what changed, and keeps what was loaded', () => {
    expect(ids(merge([row('3', 'pending'), row('2'), row('1')], [row('4'), row('3'), row('2')]))).toEqual([
      '4',
      '3',
      '2',
      '1',
    ]);
  });

  it('drops what no longer matches, such as a call that ended where only running ones are shown', () => {
    const running = (...names: string[]) => names.map((id) => row(id, 'running'));
    expect(merge(running('3', '2', '1'), running('2'))).toEqual(running('2', '1'));
    expect(merge(running('2', '1'), running('1'))).toEqual(running('1'));
    expect(merge(running('1'), [])).toEqual([]);
  });

  it('starts over where there is a gap', () => {
    expect(ids(merge([row('2'), row('1')], [row('9'), row('8')]))).toEqual(['9', '8']);
    expect(ids(merge([], [row('1')]))).toEqual(['1']);
  });
});

it('unsettled reaches to the last call that has not ended', () => {
  expect(unsettled([])).toBe(0);
  expect(unsettled([row('2'), row('1')])).toBe(0);
  expect(unsettled([row('4', 'pending'), row('3'), row('2', 'running'), row('1')])).toBe(3);
});

it('append never shows a row twice', () => {
  expect(ids(append([row('3'), row('2')], [row('2'), row('1')]))).toEqual(['3', '2', '1']);
});

it('query leaves out what is not asked', () => {
  expect(query(NO_FILTER, 50)).toBe('limit=50');
  expect(query({ ...NO_FILTER, outcome: 'denied', q: ' a&b ' }, 50, 'x')).toBe(
    'limit=50&outcome=denied&q=a%26b&before=x',
  );
});
