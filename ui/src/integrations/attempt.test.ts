import { beforeEach, expect, it, vi } from 'vitest';
import { Refused } from '../host/types';
import { Attempt } from './attempt.svelte';

const gateway = vi.hoisted(() => ({
  stop: (_id: string): Promise<unknown> => Promise.resolve(),
  progress: (_id: string): Promise<unknown> => Promise.resolve(null),
}));

vi.mock('../host', async () => import('../host/types'));
vi.mock('./requests', () => ({
  stopAdding: (id: string) => gateway.stop(id),
  addProgress: (id: string) => gateway.progress(id),
}));

let attempt: Attempt;
/** Ends the request that is under way. */
let refuse: (error: unknown) => void;
const begin = () => attempt.run('files', () => new Promise((_, reject) => (refuse = reject)));

beforeEach(() => {
  attempt = new Attempt();
  gateway.stop = () => Promise.resolve();
});

it('tells one that did not answer from one that refused the secrets', async () => {
  for (const [error, unreachable] of [
    [new Refused(502, 'It can’t be reached.'), true],
    [new Refused(502, 'It refused the token.', 'secrets'), false],
    [new Refused(409, 'It exists.'), false],
  ] as const) {
    expect(await attempt.run('files', () => Promise.reject(error))).toBe(false);
    expect([attempt.unreachable, attempt.action.error?.message]).toEqual([unreachable, error.message]);
  }
  expect(await attempt.run('files', () => Promise.resolve())).toBe(true);
  expect([attempt.unreachable, attempt.action.error]).toEqual([false, null]);
});

it('shows what is waited for, until it has ended', async () => {
  vi.useFakeTimers();
  const progress = { waiting_for: 'the server to answer', elapsed_seconds: 1, limit_seconds: 30 };
  const asked: string[] = [];
  gateway.progress = async (id) => {
    asked.push(id);
    if (asked.length === 1) throw new Refused(404, 'Not yet.');
    return progress;
  };
  const running = begin();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asked, attempt.progress]).toEqual([['files'], null]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(attempt.progress).toEqual(progress);
  refuse(new Refused(502, 'It can’t be reached.'));
  await running;
  await vi.advanceTimersByTimeAsync(5_000);
  expect([asked.length, attempt.progress]).toEqual([2, null]);
  vi.useRealTimers();
});

it('taken back is not an error', async () => {
  const ended: string[] = [];
  gateway.stop = async (id) => {
    ended.push(id);
    refuse(new Refused(409, 'Ended.'));
  };
  const running = begin();
  await attempt.cancel();
  await attempt.cancel();
  expect(await running).toBe(false);
  expect([ended, attempt.cancelled, attempt.action.error]).toEqual([['files'], true, null]);

  expect(await attempt.run('files', () => Promise.reject(new Refused(409, 'It exists.')))).toBe(false);
  expect([attempt.cancelled, attempt.action.error?.message]).toEqual([false, 'It exists.']);
});

it('is added where taking it back comes too late', async () => {
  let finish = () => {};
  const running = attempt.run('files', () => new Promise<void>((done) => (finish = done)));
  gateway.stop = () => Promise.reject(new Refused(404, 'Nothing is being added.'));
  await attempt.cancel();
  finish();
  expect(await running).toBe(true);
  expect([attempt.cancelled, attempt.cancelling]).toEqual([false, false]);
});

it('goes on where it can’t be taken back', async () => {
  const running = begin();
  gateway.stop = () => Promise.reject(new Refused(500, 'Not now.'));
  await expect(attempt.cancel()).rejects.toThrow('Not now.');
  refuse(new Refused(502, 'It can’t be reached.'));
  await running;
  expect([attempt.cancelled, attempt.action.error?.message]).toEqual([false, 'It can’t be reached.']);
});
