import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HttpHost } from './http';
import { KeptToken } from './token';
import { Refused, Unreachable } from './types';

type Answer = (path: string, init: RequestInit) => Response | Promise<Response>;

let kept: Map<string, string>;
let elsewhere: (event: { key: string | null }) => void;
let sent: [path: string, bearer: string | null][];
let answer: Answer;
let signed: boolean[];
let host: HttpHost;

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const no = () => json({ detail: 'No.' }, 401);
const token = () => (JSON.parse(kept.get('agentport-owner') ?? 'null') as { token: string } | null)?.token;
const tokenIs = (token: string) =>
  kept.set('agentport-owner', JSON.stringify({ token, expires_at: '2026-01-31T12:00:00Z' }));

beforeEach(() => {
  kept = new Map();
  sent = [];
  signed = [];
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal('addEventListener', (_: string, then: typeof elsewhere) => (elsewhere = then));
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    sent.push([path, (init.headers as Headers).get('authorization')]);
    expect(init.credentials).toBe('omit');
    return answer(path, init);
  });
  host = new HttpHost((signedIn) => signed.push(signedIn));
});
afterEach(() => vi.unstubAllGlobals());

describe('the token', () => {
  it('is kept by a sign-in and sent from then on', async () => {
    answer = (path) =>
      json(path === '/control/login' ? { token: 't', expires_at: '2026-01-31T12:00:00Z' } : {});
    await host.request('GET', '/control/session').catch(() => undefined);
    await host.request('POST', '/control/login', { password: 'x' });
    expect(token()).toBe('t');
    await host.request('GET', '/control/status');
    expect(sent.map(([, bearer]) => bearer).slice(-2)).toEqual([null, 'Bearer t']);
  });

  it('is dropped when the gateway does not know it', async () => {
    tokenIs('old');
    answer = no;
    await expect(host.request('GET', '/control/status')).rejects.toBeInstanceOf(Refused);
    expect([token(), signed]).toEqual([undefined, [false]]);

    tokenIs('old');
    answer = () => json({ signed_in: false, needs_password: false, version: '1' });
    await host.request('GET', '/control/session');
    expect(token()).toBeUndefined();
  });

  it('outlives a wrong password, and an answer to the one before it', async () => {
    tokenIs('good');
    answer = no;
    await expect(host.request('POST', '/control/login', {})).rejects.toBeInstanceOf(Refused);
    expect([token(), signed]).toEqual(['good', []]);

    tokenIs('old');
    answer = (_, init) => {
      if ((init.headers as Headers).get('authorization') === 'Bearer new') return json({ fine: true });
      tokenIs('new');
      return no();
    };
    expect(await host.request('GET', '/control/status')).toEqual({ fine: true });
    expect([token(), signed]).toEqual(['new', []]);
  });

  it('goes with a sign-out, sent along once more', async () => {
    tokenIs('t');
    answer = () => new Response(null, { status: 204 });
    await host.request('POST', '/control/logout');
    expect(sent).toEqual([['/control/logout', 'Bearer t']]);
    expect([token(), signed]).toEqual([undefined, [false]]);

    tokenIs('t');
    answer = () => Promise.reject(new TypeError('down'));
    await expect(host.request('POST', '/control/logout')).rejects.toBeInstanceOf(Unreachable);
    expect(token()).toBeUndefined();
  });

  it('is followed across tabs', () => {
    tokenIs('theirs');
    elsewhere({ key: 'agentport-owner' });
    elsewhere({ key: 'agentport-theme' });
    kept.clear();
    elsewhere({ key: null });
    expect(signed).toEqual([true, false]);
  });

  it('is kept for the page alone where the browser keeps nothing, and passed over where it is no token', () => {
    vi.stubGlobal('localStorage', undefined);
    const own = new KeptToken(() => {});
    expect(own.get()).toBeNull();
    own.keep({ token: 't', expires_at: '2026-01-31T12:00:00Z' });
    expect(own.get()).toBe('t');
    own.drop();
    expect(own.get()).toBeNull();

    vi.stubGlobal('localStorage', { getItem: () => '"text"' });
    expect(own.get()).toBeNull();
  });
});

describe('a confirmation', () => {
  it('goes along in its header, and with the sign-in it is gone', async () => {
    tokenIs('t');
    const seen: (string | null)[] = [];
    host.confirmations.ask = async () =>
      (await host.request<{ token: string }>('POST', '/control/confirm', { code: '123456' })).token;
    answer = (path, init) => {
      if (path === '/control/confirm') return json({ token: 'c', expires_at: '2100-01-01T00:00:00Z' });
      const shown = (init.headers as Headers).get('agentport-confirmation');
      seen.push(shown);
      return shown === 'c' ? json({}) : json({ detail: 'A code.', code: 'confirmation_needed' }, 403);
    };
    await host.request('POST', '/control/keys', { name: 'A' });
    await host.request('POST', '/control/logout');
    host.confirmations.ask = () => Promise.resolve(null);
    await expect(host.request('POST', '/control/keys', { name: 'B' })).rejects.toThrow('A code.');
    expect(seen).toEqual([null, 'c', 'c', null]);
  });
});

it('a code shown at the sign-in confirms as well', async () => {
  const confirmation = { token: 'c', expires_at: '2100-01-01T00:00:00Z' };
  let shown: string | null = null;
  answer = (path, init) => {
    shown = (init.headers as Headers).get('agentport-confirmation');
    return json(
      path === '/control/login' ? { token: 't', expires_at: '2100-01-01T00:00:00Z', confirmation } : {},
    );
  };
  await host.request('POST', '/control/login', { password: 'x', code: '123456' });
  await host.request('POST', '/control/keys', { name: 'A' });
  expect(shown).toBe('c');
  expect(kept.get('agentport-owner')).not.toContain('"c"');
});

describe('saving', () => {
  it('downloads what comes back, under the name, with the token', async () => {
    tokenIs('t');
    const link = { href: '', download: '', click: vi.fn() };
    vi.stubGlobal('document', { createElement: () => link });
    const taken: Blob[] = [];
    vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
      taken.push(blob as Blob);
      return 'blob:x';
    });
    vi.useFakeTimers();
    const revoke = vi.spyOn(URL, 'revokeObjectURL').mockImplementation(() => {});
    answer = () => new Response('a\nb\n');
    expect(await host.save('/control/activity/export?format=csv', 'activity.csv')).toBeNull();
    expect(sent).toEqual([['/control/activity/export?format=csv', 'Bearer t']]);
    expect([link.href, link.download, link.click.mock.calls.length]).toEqual(['blob:x', 'activity.csv', 1]);
    vi.runAllTimers();
    vi.useRealTimers();
    expect(revoke).toHaveBeenCalledWith('blob:x');
    expect(await taken[0]?.text()).toBe('a\nb\n');

    answer = () => json({ detail: 'Not now.' }, 503);
    await expect(host.save('/control/backup', 'x')).rejects.toThrow('Not now.');
    answer = () => Promise.reject(new TypeError('down'));
    await expect(host.save('/control/backup', 'x')).rejects.toBeInstanceOf(Unreachable);
    vi.restoreAllMocks();
  });
});

describe('events', () => {
  const stream = (...pieces: string[]) => {
    const bytes = new TextEncoder().encode(pieces.join(''));
    const body = new ReadableStream({
      start(controller) {
        // One byte at a time: characters are cut as well.
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const said: unknown[] = [];
  const listener = {
    up: () => said.push('up'),
    down: (at: number) => said.push(at - Date.now()),
    event: (event: unknown) => said.push(event),
  };

  beforeEach(() => {
    said.length = 0;
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('are read with the token, and the stream is opened again with patience', async () => {
    tokenIs('t');
    const broken = vi.fn();
    vi.stubGlobal('reportError', broken);
    answer = () => stream(': hi\n\ndata: {"type":"ä"}\n\n', 'data: {\n\n', 'data: {"type":"b"}\n\n');
    const stop = host.events(listener);
    await vi.waitFor(() => expect(said).toEqual(['up', { type: 'ä' }, { type: 'b' }, 1_000]));
    expect(broken).toHaveBeenCalledOnce();

    answer = () => json({ detail: 'Busy.' }, 503);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said.at(-1)).toBe(2_000);
    answer = () => Promise.reject(new TypeError('down'));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(said.at(-1)).toBe(4_000);
    answer = () => stream();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(said.slice(-2)).toEqual(['up', 1_000]);
    expect(new Set(sent.map(([, bearer]) => bearer))).toEqual(new Set(['Bearer t']));

    stop();
    const before = sent.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent.length).toBe(before);
  });

  it('end with the sign-in', async () => {
    tokenIs('old');
    answer = no;
    const stop = host.events(listener);
    await vi.waitFor(() => expect(signed).toEqual([false]));
    expect([token(), said.includes('up')]).toEqual([undefined, false]);
    stop();
  });

  it('say nothing once stopped', async () => {
    answer = () => stream('data: {"type":"a"}\n\n');
    const stop = host.events(listener);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([said, sent.length]).toEqual([[], 1]);
  });
});
