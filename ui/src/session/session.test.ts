import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Desktop } from '../bindings/Desktop';

const here = vi.hoisted(() => ({
  desktop: { window: 'main' } as object | null,
  answer: (_method: string, _path: string, _body?: unknown): unknown => undefined,
  stopped: () => {},
}));

vi.mock('../host', () => ({
  host: {
    get desktop() {
      return here.desktop;
    },
    request: async (method: string, path: string, body?: unknown) => here.answer(method, path, body),
  },
  whenSigned: () => {},
  whenStopped: (then: () => void) => (here.stopped = then),
}));

const desktop = (over: Partial<Desktop>): Desktop => ({
  platform: 'linux',
  version: '0.1.0',
  autostart: false,
  notifications: { reachable: true, buttons: true, server: null },
  on_close: 'ask',
  trouble: null,
  port: 4747,
  ...over,
});
let session: (typeof import('./session.svelte'))['session'];

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  here.desktop = { window: 'main' };
  ({ session } = await import('./session.svelte'));
});
afterEach(() => vi.useRealTimers());

it('needs no sign-in in the desktop app, and knows its trouble', async () => {
  here.answer = () => desktop({ trouble: 'Port 4747 is taken.' });
  await session.check();
  expect([session.state, session.desktop?.trouble]).toEqual(['trouble', 'Port 4747 is taken.']);
  here.answer = (_method, path, body) =>
    desktop({ port: path === '/desktop/port' ? (body as Desktop).port : 0 });
  await session.usePort(4847);
  expect([session.state, session.desktop?.port, session.version]).toEqual(['in', 4847, '0.1.0']);
});

it('waits while a gateway starts, and leaves open what is open', async () => {
  here.answer = () => desktop({ trouble: 'AgentPort is starting.', port: 0 });
  await session.check();
  expect(session.state).toBe('checking');
  here.answer = () => desktop({});
  await vi.advanceTimersByTimeAsync(1_000);
  expect(session.state).toBe('in');

  here.answer = () => desktop({ trouble: 'AgentPort is starting.', port: 0 });
  here.stopped();
  await vi.advanceTimersByTimeAsync(0);
  expect(session.state).toBe('in');
  here.answer = () => desktop({ trouble: 'The database is damaged.' });
  here.stopped();
  await vi.advanceTimersByTimeAsync(0);
  expect(session.state).toBe('trouble');
});

it('asks a browser who it is', async () => {
  here.desktop = null;
  for (const [signed_in, needs_password, state] of [
    [true, false, 'in'],
    [false, false, 'out'],
    [false, true, 'needs_password'],
  ] as const) {
    here.answer = () => ({ signed_in, needs_password, version: '1' });
    await session.check();
    expect(session.state).toBe(state);
  }
  expect(session.fresh).toBe(false);
  await session.choosePassword({ new: 'a password', code: 'c' });
  expect([session.state, session.fresh]).toEqual(['in', true]);
  here.answer = () => Promise.reject(new Error('down'));
  await session.check();
  expect(session.state).toBe('unreachable');
});

it('sends a code only where there is one', async () => {
  const sent: unknown[] = [];
  here.answer = (_method, _path, body) => sent.push(body);
  await session.signIn('p', null);
  await session.signIn('p', '123456');
  expect(sent).toEqual([{ password: 'p' }, { password: 'p', code: '123456' }]);
});
