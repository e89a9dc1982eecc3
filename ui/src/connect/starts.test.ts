import { expect, it } from 'vitest';
import type { Health } from '../bindings/Health';
import { starts } from './starts';

it('follows servers until they run or fail', () => {
  const view = (id: string, health: Health) => ({ id, health });
  expect(starts(['a', 'b'], null)).toEqual({ waiting: ['a', 'b'], failed: [] });
  const views = [
    view('a', { state: 'ready' }),
    view('b', { state: 'starting' }),
    view('c', { state: 'failed', message: 'It stopped.', retry_at: null }),
    view('d', { state: 'needs_auth', message: 'It wants a token.' }),
    view('other', { state: 'starting' }),
  ];
  expect(starts(['a', 'b', 'c', 'd', 'gone'], views)).toEqual({
    waiting: ['b'],
    failed: [
      { id: 'c', reason: 'It stopped.' },
      { id: 'd', reason: 'It wants a token.' },
    ],
  });
});
