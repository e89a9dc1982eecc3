import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Applied } from '../bindings/Applied';
import type { PlanView } from '../bindings/PlanView';
import type { PlanRequest } from '../bindings/PlanRequest';
import { Refused } from '../host/types';
import { choosing } from './draft';
import { imported, planned, taken } from './fixtures';
import { Planning } from './planning.svelte';

const gateway = vi.hoisted(() => ({
  plan: (_client: string, _want: PlanRequest): Promise<PlanView> =>
    Promise.reject(new Error('not asked for')),
  apply: (_id: string): Promise<Applied> => Promise.reject(new Error('not asked for')),
}));

vi.mock('../host', async () => import('../host/types'));
vi.mock('./requests', () => ({
  plan: (client: string, want: PlanRequest) => gateway.plan(client, want),
  apply: (id: string) => gateway.apply(id),
}));

const APPLIED: Applied = { files: ['/f'], added: [], failed: [], starting: [], notes: [] };
let planning: Planning;

beforeEach(() => {
  planning = new Planning('cursor');
  gateway.plan = () => Promise.resolve(planned());
  gateway.apply = () => Promise.resolve(APPLIED);
});

it('shows what would be done, and does that very plan once', async () => {
  const wanted: unknown[] = [];
  const applied: string[] = [];
  gateway.plan = async (client, want) => {
    wanted.push([client, want.what, want.path]);
    return planned();
  };
  gateway.apply = async (id) => {
    applied.push(id);
    return APPLIED;
  };
  const making = planning.begin('connect', '/f');
  expect([planning.busy, planning.ready]).toEqual(['making', false]);
  await making;
  expect([planning.busy, planning.ready, wanted]).toEqual([null, true, [['cursor', 'connect', '/f']]]);
  await Promise.all([planning.apply(), planning.apply()]);
  expect([applied, planning.done, planning.ready && planning.done === null]).toEqual([
    ['p1'],
    APPLIED,
    false,
  ]);
  // What is done is not planned again by a late click.
  await planning.again();
  expect(wanted).toHaveLength(1);
});

describe('is not applied', () => {
  it('while something is to be chosen, nothing changes, or it can only be looked at', async () => {
    for (const plan of [
      planned({ conflicts: [taken('a')] }),
      planned({ is_empty: true }),
      planned({ id: '' }),
    ]) {
      gateway.plan = () => Promise.resolve(plan);
      await planning.begin('consolidate');
      expect(planning.ready).toBe(false);
      await planning.apply();
      expect(planning.done).toBe(null);
    }
  });

  it('for an older choice than the newest', async () => {
    await planning.begin('consolidate');
    const answers: ((plan: PlanView) => void)[] = [];
    gateway.plan = () => new Promise((resolve) => answers.push(resolve));
    const wanted = planning.draft!;
    const first = planning.want(choosing(wanted, 'a', { choice: 'use_existing' }));
    const second = planning.want(choosing(wanted, 'a', { choice: 'keep_in_client' }));
    answers[1]!(planned({ id: 'newest' }));
    await second;
    answers[0]!(planned({ id: 'overtaken' }));
    await first;
    expect([planning.plan?.id, planning.ready]).toEqual(['newest', true]);
  });

  it('where the newest choice was refused', async () => {
    await planning.begin('consolidate');
    gateway.plan = () => Promise.reject(new Refused(422, 'The id is taken.', 'choices.a'));
    await planning.want(choosing(planning.draft!, 'a', { choice: 'rename', id: 'b' }));
    expect([planning.plan?.id, planning.ready, planning.error?.field]).toEqual(['p1', false, 'choices.a']);
  });
});

it('keeps name conflicts in view once they are chosen', async () => {
  gateway.plan = () => Promise.resolve(planned({ conflicts: [taken('a')] }));
  await planning.begin('consolidate');
  gateway.plan = () => Promise.resolve(planned({ imports: [imported('a', { id: 'a-2' })] }));
  await planning.want(choosing(planning.draft!, 'a', { choice: 'rename', id: 'a-2' }));
  expect([Object.keys(planning.asked), planning.ready]).toEqual([['a'], true]);
});

describe('a plan that got old', () => {
  it('is made anew and says what is another', async () => {
    await planning.begin('connect');
    gateway.apply = () => Promise.reject(new Refused(409, '/f changed meanwhile.'));
    await planning.apply();
    expect([planning.stale, planning.error, planning.ready]).toEqual(['/f changed meanwhile.', null, false]);

    const file = { path: '/f', is_new: false, is_removed: false, diff: '@@ another' };
    gateway.plan = () => Promise.resolve(planned({ id: 'p2', files: [file] }));
    gateway.apply = () => Promise.resolve(APPLIED);
    await planning.again();
    expect([planning.stale, planning.differs, planning.ready]).toEqual([
      null,
      ['What changes in /f is another now.'],
      true,
    ]);
    await planning.apply();
    expect(planning.done).toBe(APPLIED);
  });

  it('may be forgotten altogether', async () => {
    await planning.begin('connect');
    gateway.apply = () => Promise.reject(new Refused(404, 'There is no such plan any more.'));
    await planning.apply();
    expect(planning.stale).toBe('There is no such plan any more.');
  });

  it('is none where something else went wrong: it can be tried again', async () => {
    await planning.begin('connect');
    gateway.apply = () => Promise.reject(new Refused(500, 'The disk is full.'));
    await planning.apply();
    expect([planning.stale, planning.error?.message, planning.ready]).toEqual([
      null,
      'The disk is full.',
      true,
    ]);
  });
});

it('closed, it forgets all, and what comes late', async () => {
  let answer = (_plan: PlanView) => {};
  gateway.plan = () => new Promise((resolve) => (answer = resolve));
  const making = planning.begin('connect');
  planning.close();
  answer(planned());
  await making;
  expect([planning.draft, planning.plan, planning.busy]).toEqual([null, null, null]);
});
