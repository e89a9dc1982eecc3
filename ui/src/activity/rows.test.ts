import { describe, expect, it } from 'vitest';
import type { ActivityRow } from '../bindings/ActivityRow';
import {
  append,
  asked,
  exported,
  merge,
  narrows,
  NO_FILTER,
  query,
  sinceThen,
  unsettled,
  rowOutcome,
} from './rows';

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

describe('a filter', () => {
  it('becomes a query without what is not asked', () => {
    expect(query(NO_FILTER, 50)).toBe('limit=50');
    expect(query({ ...NO_FILTER, outcome: 'denied', q: ' a&b ' }, 50, 'x')).toBe(
      'limit=50&before=x&outcome=denied&q=a%26b',
    );
    const since = '2026-01-31T12:00:00.000Z';
    expect(asked({ agent: 'a', since, tool: '' })).toBe('agent=a&since=2026-01-31T12%3A00%3A00.000Z');
  });

  it('gives way to what is fixed', () => {
    expect(asked({ since: 'theirs', q: 'x' }, { since: 'ours' })).toBe('since=ours&q=x');
  });

  it('narrows only where it says something', () => {
    expect(narrows(NO_FILTER)).toBe(false);
    expect(narrows({ ...NO_FILTER, q: ' ' })).toBe(false);
    expect(narrows({ ...NO_FILTER, past: 'between' })).toBe(false);
    expect(narrows({ ...NO_FILTER, until: '2026-01-31T12:00:00Z' })).toBe(true);
  });

  it('goes along with an export', () => {
    const now = new Date('2026-01-31T12:00:00Z');
    expect(exported(NO_FILTER, 'csv', now)).toEqual({
      path: '/control/activity/export?format=csv',
      name: 'agentport-activity-2026-01-31.csv',
    });
    expect(exported({ ...NO_FILTER, integration: 'demo', q: 'ä' }, 'jsonl', now).path).toBe(
      '/control/activity/export?format=jsonl&integration=demo&q=%C3%A4',
    );
  });
});

it('sinceThen sets aside what came above the row the owner looks at', () => {
  const rows = [row('3'), row('2'), row('1')];
  for (const [top, fresh] of [
    [null, 0],
    ['3', 0],
    ['2', 1],
    ['1', 2],
    // It is not there any more: nothing to hold on to.
    ['gone', 0],
  ] as const) {
    const held = sinceThen(rows, top);
    expect([held.fresh, held.shown.length], String(top)).toEqual([fresh, 3 - fresh]);
  }
});

it('a call whose request was approved no longer waits for the owner', () => {
  expect(rowOutcome({ outcome: 'pending' }).label).toBe('Waiting');
  expect(rowOutcome({ outcome: 'pending', approval_state: 'pending' }).label).toBe('Waiting');
  expect(rowOutcome({ outcome: 'pending', approval_state: 'approved' }).label).toBe(
    'Approved, not picked up',
  );
  expect(rowOutcome({ outcome: 'not_asked' }).label).toBe('Not asked');
});
