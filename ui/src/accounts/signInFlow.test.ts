import { beforeEach, expect, it, vi } from 'vitest';
import type { SignInView } from '../bindings/SignInView';
import type { StartSignIn } from '../bindings/StartSignIn';
import { Refused } from '../host/types';
import { signIn, WAITING } from './fixtures';
import { SignInFlow } from './signInFlow.svelte';

const gateway = vi.hoisted(() => ({
  started: [] as StartSignIn[],
  start: (_body: StartSignIn): Promise<SignInView> => Promise.reject(new Error('not set')),
  end: (_id: string): Promise<unknown> => Promise.resolve(),
  paste: (_id: string, _body: { url: string }): Promise<SignInView> => Promise.reject(new Error('not set')),
  opened: [] as string[],
  opens: true,
}));

vi.mock('../host', async () => import('../host/types'));
vi.mock('../shell/desktop', () => ({
  openExternal: async (url: string) => {
    gateway.opened.push(url);
    return gateway.opens;
  },
}));
vi.mock('./requests', () => ({
  startSignIn: (body: StartSignIn) => {
    gateway.started.push(body);
    return gateway.start(body);
  },
  endSignIn: (id: string) => gateway.end(id),
  pasteCallback: (id: string, body: { url: string }) => gateway.paste(id, body),
}));

const url = 'https://auth.example.com/authorize?client_id=client-1';
let flow: SignInFlow;

beforeEach(() => {
  flow = new SignInFlow();
  gateway.started = [];
  gateway.opened = [];
  gateway.opens = true;
  gateway.start = async () => signIn({ state: 'discovering' });
  gateway.end = async () => undefined;
});

it('opens the browser once for the click that started it', async () => {
  await flow.start({ integration: 'notion' });
  expect([flow.watched, gateway.opened]).toEqual(['s1', []]);
  flow.show(signIn(WAITING));
  flow.show(signIn(WAITING));
  await vi.waitFor(() => expect(flow.opened).toBe(true));
  expect(gateway.opened).toEqual([url]);
  await flow.open();
  expect(gateway.opened).toEqual([url, url]);
});

it('opens nothing for a sign-in that the owner did not start here', () => {
  flow.adopt(signIn(WAITING));
  flow.show(signIn(WAITING));
  expect([flow.watched, flow.opened, gateway.opened]).toEqual(['s1', false, []]);
});

it('knows when the browser let nothing open', async () => {
  gateway.opens = false;
  gateway.start = async () => signIn(WAITING);
  await flow.start({ integration: 'notion' });
  await vi.waitFor(() => expect(gateway.opened).toEqual([url]));
  expect(flow.opened).toBe(false);
});

it('is not watched once it has ended, and hears of no other sign-in', async () => {
  await flow.start({ integration: 'notion' });
  flow.show(signIn({ state: 'failed', message: 'Not this one.' }, { id: 'other' }));
  expect(flow.view?.state.state).toBe('discovering');
  flow.show(signIn({ state: 'done', account: 'a1' }));
  expect([flow.watched, flow.active, flow.view?.state.state]).toEqual([null, true, 'done']);
  flow.lose();
  expect(flow.view?.state.state).toBe('done');
});

it('has failed where the gateway no longer knows it', async () => {
  await flow.start({ integration: 'notion' });
  flow.lose();
  expect(flow.view?.state).toEqual({
    state: 'failed',
    message: 'This sign-in has ended before it was finished. Nothing was kept.',
  });
});

it('is started again as it was, with the client of the owner where one is needed', async () => {
  gateway.start = async () => signIn({ state: 'client_needed', message: 'Register one.' });
  await flow.start({ integration: 'asana', variant: 'eu' });
  expect(flow.watched).toBeNull();
  await flow.giveClient(' client-2 ', '');
  await flow.giveClient('client-2', ' fake-client-secret ');
  await flow.retry();
  const again = { integration: 'asana', variant: 'eu', client_id: 'client-2' };
  expect(gateway.started.slice(1)).toEqual([
    again,
    { ...again, client_secret: 'fake-client-secret' },
    { ...again, client_secret: 'fake-client-secret' },
  ]);
});

it('keeps the form of the client where that is refused', async () => {
  gateway.start = async () => signIn({ state: 'client_needed', message: 'Register one.' });
  await flow.start({ integration: 'asana' });
  gateway.start = () => Promise.reject(new Refused(422, 'That is no client id.', 'client_id'));
  await flow.giveClient('?', '');
  expect([flow.view?.state.state, flow.starting.about('client_id')]).toEqual([
    'client_needed',
    'That is no client id.',
  ]);
});

it('is left only once it has ended', async () => {
  await flow.start({ integration: 'notion' });
  flow.leave();
  expect(flow.active).toBe(true);
  flow.show(signIn({ state: 'failed', message: 'You said no.' }));
  flow.leave();
  expect(flow.active).toBe(false);
});

it('says why it could not be started', async () => {
  gateway.start = () => Promise.reject(new Refused(409, 'It is installed already.'));
  await flow.start({ integration: 'notion' });
  expect([flow.active, flow.starting.error?.message]).toEqual([false, 'It is installed already.']);
});

it('signs the same account in again', async () => {
  flow.adopt(signIn({ state: 'failed', message: 'You said no.' }, { account: 'a7' }));
  await flow.retry();
  expect(gateway.started).toEqual([{ integration: 'notion', account: 'a7' }]);
});

it('goes on with a pasted address, and stays where that is refused', async () => {
  flow.adopt(signIn(WAITING));
  gateway.paste = () => Promise.reject(new Refused(422, 'That address has no code.', 'url'));
  expect(await flow.paste('http://127.0.0.1/')).toBe(false);
  expect([flow.view?.state.state, flow.pasting.error?.message]).toEqual([
    'waiting_for_consent',
    'That address has no code.',
  ]);
  const sent: string[] = [];
  gateway.paste = async (id, body) => {
    sent.push(id, body.url);
    return signIn({ state: 'exchanging' });
  };
  expect(await flow.paste(' http://127.0.0.1:3118/callback?code=x&state=y ')).toBe(true);
  expect(sent).toEqual(['s1', 'http://127.0.0.1:3118/callback?code=x&state=y']);
  expect(flow.view?.state.state).toBe('exchanging');
});

it('is taken back, also where it ended a moment ago', async () => {
  const ended: string[] = [];
  gateway.end = async (id) => ended.push(id);
  await flow.start({ integration: 'notion' });
  await flow.cancel();
  expect([ended, flow.active, flow.cancelled]).toEqual([['s1'], false, true]);

  gateway.end = () => Promise.reject(new Refused(404, 'No such sign-in.'));
  await flow.start({ integration: 'notion' });
  expect(flow.cancelled).toBe(false);
  await flow.cancel();
  expect([flow.active, flow.cancelled]).toEqual([false, true]);
});

it('goes on where it cannot be taken back', async () => {
  gateway.end = () => Promise.reject(new Refused(500, 'Not now.'));
  await flow.start({ integration: 'notion' });
  await flow.cancel();
  expect([flow.watched, flow.cancelled, flow.ending.error?.message]).toEqual(['s1', false, 'Not now.']);
});

it('is done where that came before the end that was asked for', async () => {
  await flow.start({ integration: 'notion' });
  gateway.end = async () => flow.show(signIn({ state: 'done', account: 'a1' }));
  await flow.cancel();
  expect([flow.view?.state.state, flow.cancelled]).toEqual(['done', false]);
});
