import { expect, it } from 'vitest';
import type { Health } from '../bindings/Health';
import { healthDetail, healthWord, troubleFirst } from './health';

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

it('says of a remote server that no connection is open, and not that it does not run', () => {
  const idle: Health = { state: 'idle' };
  expect(healthWord(idle, 'remote_mcp').word).toBe('Not in use');
  expect(healthDetail(idle, 'remote_mcp', 0)).toBe(
    'No connection is open. One is opened with the next call.',
  );
  expect(healthWord(idle, 'local_mcp').word).toBe('Not running');
  expect(healthDetail(idle, 'local_mcp', 0)).toBe('Not running. It starts with the next call.');
});
