import { expect, it } from 'vitest';
import type { Health } from '../bindings/Health';
import { troubleFirst } from './health';

it('puts trouble first and leaves the rest alone', () => {
  const view = (id: string, health: Health) => ({ id, health });
  const views = [
    view('a', { state: 'ready' }),
    view('b', { state: 'failed', message: 'No.', retry_at: null }),
    view('c', { state: 'idle' }),
    view('d', { state: 'needs_auth', message: 'Sign in.' }),
  ];
  expect(troubleFirst(views).map(({ id }) => id)).toEqual(['b', 'd', 'a', 'c']);
});
