import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Request } from '../bindings/Request';
import type { Response } from '../bindings/Response';
import { ExactNumber } from './json';
import { TauriHost } from './tauri';
import { Refused, Unreachable } from './types';

type Send = (text: string) => void;
type Command = (request: Request, send: Send) => Partial<Response> | Promise<Partial<Response>>;

/** Plays the app's side of the window. */
const tauri = {
  command: (() => ({})) as Command,
  sent: [] as Request[],
  callbacks: new Map<number, (message: unknown) => void>(),
  listeners: new Map<string, number>(),

  transformCallback(callback: (message: unknown) => void): number {
    tauri.callbacks.set(tauri.callbacks.size + 1, callback);
    return tauri.callbacks.size;
  },
  unregisterCallback() {},
  async invoke(name: string, args: Record<string, unknown>): Promise<unknown> {
    if (name === 'plugin:event|listen')
      return tauri.listeners.set(String(args['event']), Number(args['handler']));
    expect(name).toBe('owner');
    const request = args['request'] as Request;
    const { id } = args['stream'] as { id: number };
    tauri.sent.push(request);
    let index = 0;
    const send: Send = (message) => tauri.callbacks.get(id)?.({ index: index++, message });
    return { status: 200, body: '', retry_after: null, ...(await tauri.command(request, send)) };
  },
};

let stopped: number;
let host: TauriHost;
const at = (search: string) => vi.stubGlobal('location', { search });
vi.stubGlobal('window', { __TAURI_INTERNALS__: tauri });

beforeEach(() => {
  tauri.command = () => ({});
  tauri.sent.length = 0;
  tauri.listeners.clear();
  stopped = 0;
  at('');
  host = new TauriHost(() => (stopped += 1));
});

describe('a request', () => {
  it('goes as text and comes back as JSON with its numbers as they were', async () => {
    tauri.command = () => ({ body: '{"n":9007199254740993,"m":1.0}' });
    const args = { n: new ExactNumber('9007199254740993') };
    const answer = await host.request<Record<string, unknown>>('POST', '/control/approvals/a/approve', args);
    expect(tauri.sent).toEqual([
      { method: 'POST', path: '/control/approvals/a/approve', body: '{"n":9007199254740993}' },
    ]);
    expect(answer['n']).toEqual(new ExactNumber('9007199254740993'));
    expect(answer['m']).toEqual(new ExactNumber('1.0'));
  });

  it('may have no answer but its status', async () => {
    tauri.command = () => ({ status: 204 });
    expect(await host.request('DELETE', '/control/keys/a')).toBeUndefined();
    expect(tauri.sent).toEqual([{ method: 'DELETE', path: '/control/keys/a' }]);
  });

  it('is refused in the gateway’s words', async () => {
    tauri.command = () => ({
      status: 422,
      body: '{"detail":"A name cannot be empty.","field":"name","code":"odd"}',
      retry_after: 7,
    });
    const refused = await host.request('POST', '/control/keys', {}).catch((error: unknown) => error);
    expect(refused).toEqual(new Refused(422, 'A name cannot be empty.', 'name', 7, 'odd'));
    expect(stopped).toBe(0);

    tauri.command = () => ({ status: 500, body: 'not JSON' });
    await expect(host.request('GET', '/control/status')).rejects.toThrow('status 500');
  });

  it('tells when no gateway runs, and when nothing answers at all', async () => {
    tauri.command = () => ({ status: 503, body: '{"detail":"It does not run.","code":"not_running"}' });
    await expect(host.request('GET', '/control/status')).rejects.toBeInstanceOf(Refused);
    expect(stopped).toBe(1);

    tauri.command = () => Promise.reject(new Error('command owner not allowed'));
    await expect(host.request('GET', '/control/status')).rejects.toBeInstanceOf(Unreachable);
    expect(stopped).toBe(1);
  });

  it('is sent again with a confirmation', async () => {
    host.confirmations.ask = () => Promise.resolve('token');
    tauri.command = ({ confirmation }) =>
      confirmation === 'token'
        ? { body: '{}' }
        : { status: 403, body: '{"detail":"A code.","code":"confirmation_needed"}' };
    expect(await host.request('POST', '/control/keys', { name: 'A' })).toEqual({});
    expect(tauri.sent.map(({ confirmation }) => confirmation)).toEqual([undefined, 'token']);
  });

  it('to save lets the app keep the file', async () => {
    tauri.command = () => ({ body: '{"file":"backup.json"}' });
    expect(await host.save('/control/backup', 'backup.json')).toEqual({ file: 'backup.json' });
    expect(tauri.sent).toEqual([
      { method: 'POST', path: '/desktop/save', body: '{"path":"/control/backup","name":"backup.json"}' },
    ]);
  });
});

describe('events', () => {
  const said: unknown[] = [];
  const listener = {
    up: () => said.push('up'),
    down: (at: number) => said.push(at - Date.now()),
    event: (event: unknown) => said.push(event),
  };
  const opened = () => tauri.sent.filter(({ path }) => path.startsWith('/control/events'));

  beforeEach(() => {
    said.length = 0;
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('are read from the channel, also those that overtake the answer, and the stream is opened again', async () => {
    let told: Send = () => {};
    tauri.command = (_, send) => {
      told = send;
      send('data: {"type":"a"}\n\ndata: {"ty');
      return {};
    };
    const stop = host.events(listener);
    await vi.advanceTimersByTimeAsync(0);
    told('pe":"b"}\n\n');
    expect(said).toEqual(['up', { type: 'a' }, { type: 'b' }]);

    told('');
    await vi.advanceTimersByTimeAsync(0);
    expect(said.at(-1)).toBe(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said.slice(-2)).toEqual(['up', { type: 'a' }]);

    const names = opened().map(({ path }) => new URLSearchParams(path.split('?')[1]).get('stream'));
    expect(new Set(names).size).toBe(2);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tauri.sent.at(-1)).toEqual({ method: 'DELETE', path: `/desktop/stream/${names[1]}` });
    expect(opened().length).toBe(2);
    const before = said.length;
    told('data: {"type":"late"}\n\n');
    expect(said.length).toBe(before);
  });

  it('are asked for again with patience while no gateway runs', async () => {
    tauri.command = () => ({ status: 503, body: '{"detail":"It does not run.","code":"not_running"}' });
    const stop = host.events(listener);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(said).toEqual([1_000, 2_000, 4_000]);
    expect(stopped).toBe(3);
    stop();
  });
});

describe('the window', () => {
  const call = (id: string) => ({ kind: 'call', id });
  const show = (id: string, asked = false) =>
    tauri.callbacks.get(tauri.listeners.get('agentport://show') ?? 0)?.({
      payload: { request: call(id), asked },
    });

  it('is known from its address', () => {
    expect(host.desktop.window).toBe('main');
    expect(tauri.listeners.has('agentport://show')).toBe(false);
    at('?window=approval');
    expect(new TauriHost(() => {}).desktop.window).toBe('approval');
  });

  it('passes on that the main window is to ask before it closes', () => {
    const close = () =>
      tauri.callbacks.get(tauri.listeners.get('agentport://ask-close') ?? 0)?.({ payload: null });
    let asked = 0;
    close();
    const stop = host.desktop.onAskClose(() => (asked += 1));
    close();
    stop();
    close();
    expect(asked).toBe(1);
  });

  it('passes on which request to show, also one from before a listener was added', () => {
    at('?window=approval');
    const { desktop } = new TauriHost(() => {});
    show('early', true);
    const shown: unknown[] = [];
    const stop = desktop.onShow((...what) => shown.push(what));
    show('a');
    stop();
    show('late');
    expect(shown).toEqual([
      [call('early'), true],
      [call('a'), false],
    ]);
    desktop.onShow((...what) => shown.push(what));
    expect(shown.slice(2)).toEqual([[call('late'), false]]);
  });
});
