/**
 * The gateway over HTTP, for a browser: the token of a sign-in goes with every request. There is no cookie, which a
 * browser would also give to other programs on this machine: cookies know no ports.
 */
import type { Event } from '../bindings/Event';
import type { LoggedIn } from '../bindings/LoggedIn';
import type { Session } from '../bindings/Session';
import { wait } from './backoff';
import { isObject, parse, stringify } from './json';
import { SseParser } from './sse';
import { KeptToken } from './token';
import { Refused, Unreachable, type Host, type Listener, type Method } from './types';

/** What answers with a token. */
const SIGN_INS: readonly string[] = ['/control/login', '/control/password'];

export class HttpHost implements Host {
  readonly signsIn = true;
  readonly #token: KeptToken;

  /** @param signed called when another tab signed in or out, and when the gateway no longer knows us */
  constructor(private readonly signed: (signedIn: boolean) => void) {
    this.#token = new KeptToken(() => signed(this.#token.get() !== null));
  }

  async request<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const token = this.#token.get();
    const init: RequestInit = { method, headers: { accept: 'application/json' } };
    if (body !== undefined) {
      init.headers = { ...init.headers, 'content-type': 'application/json' };
      init.body = stringify(body);
    }
    let response: Response;
    let text: string;
    try {
      response = await send(path, init, token);
      text = await response.text();
    } catch (cause) {
      throw new Unreachable({ cause });
    } finally {
      // Also when nothing answers: who signs out wants no token left here.
      if (path === '/control/logout') this.#drop(token);
    }
    if (!response.ok) {
      // Where there is a newer token, the request has only come with the old one.
      if (response.status === 401 && path !== '/control/login' && !this.#drop(token)) {
        return this.request(method, path, body);
      }
      throw refusal(response, text);
    }
    const answer: unknown = text === '' ? undefined : parse(text);
    if (SIGN_INS.includes(path)) this.#token.keep(answer as LoggedIn);
    if (path === '/control/session' && !(answer as Session).signed_in && !this.#drop(token)) {
      return this.request(method, path, body);
    }
    return answer as T;
  }

  events(listener: Listener): () => void {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;

    const open = async () => {
      try {
        await this.#read(stop.signal, listener, () => (failures = 0));
      } catch {
        // Unreachable, refused or broken: all the same to the listener.
      }
      if (stop.signal.aborted) return;
      const delay = wait(failures++, Math.random());
      listener.down(Date.now() + delay);
      timer = setTimeout(() => void open(), delay);
    };

    void open();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }

  /** Reads one stream of events to its end. */
  async #read(signal: AbortSignal, listener: Listener, opened: () => void): Promise<void> {
    const token = this.#token.get();
    const headers = { accept: 'text/event-stream' };
    const response = await send('/control/events', { headers, cache: 'no-store', signal }, token);
    if (response.status === 401) this.#drop(token);
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || !response.body || !type.startsWith('text/event-stream')) {
      await response.body?.cancel();
      return;
    }
    if (signal.aborted) return;
    opened();
    listener.up();

    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const data of parser.push(decoder.decode(value, { stream: true }))) {
        if (signal.aborted) return;
        try {
          listener.event(JSON.parse(data) as Event);
        } catch (error) {
          // One event that can't be used does not end the stream.
          reportError(error);
        }
      }
    }
  }

  /** Forgets `token`, which is no good. False if there is another one by now. */
  #drop(token: string | null): boolean {
    const now = this.#token.get();
    if (now !== null && now !== token) return false;
    this.#token.drop();
    this.signed(false);
    return true;
  }
}

function send(path: string, init: RequestInit, token: string | null): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return fetch(path, { ...init, headers, credentials: 'omit' });
}

/** Makes an error of an answer, whatever stands in it. */
function refusal(response: Response, text: string): Refused {
  let problem: unknown = null;
  try {
    problem = parse(text);
  } catch {
    // No JSON: something else answered in the gateway's place. The status says enough.
  }
  const said = isObject(problem) ? problem : {};
  const detail =
    typeof said['detail'] === 'string'
      ? said['detail']
      : `The gateway answered with status ${response.status}.`;
  const field = typeof said['field'] === 'string' ? said['field'] : null;
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new Refused(response.status, detail, field, Number.isFinite(after) ? after : null);
}
