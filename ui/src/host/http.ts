/**
 * The gateway over HTTP, for a browser: the token of a sign-in goes with every request. There is no cookie, which a
 * browser would also give to other programs on this machine: cookies know no ports.
 */
import { EVENTS, LOGIN, LOGOUT, PASSWORD, SESSION } from './paths';
import type { LoggedIn } from '../bindings/LoggedIn';
import type { Session } from '../bindings/Session';
import { Confirmations } from './confirmations';
import { parse, stringify } from './json';
import { refusal } from './refusal';
import { keepOpen, type StreamConnection } from './stream';
import { KeptToken } from './token';
import { Unreachable, type Host, type Listener, type Method, type Refused } from './types';

/** What answers with a token. */
const SIGN_INS: readonly string[] = [LOGIN, PASSWORD];

export class HttpHost implements Host {
  readonly signsIn = true;
  readonly desktop = null;
  readonly confirmations = new Confirmations();
  readonly #token: KeptToken;

  /** @param signed called when another tab signed in or out, and when the gateway no longer knows us */
  constructor(private readonly signed: (signedIn: boolean) => void) {
    this.#token = new KeptToken(() => signed(this.#token.get() !== null));
  }

  request<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return this.confirmations.through(path, (confirmation) =>
      this.#request<T>(method, path, body, confirmation),
    );
  }

  events(listener: Listener): () => void {
    return keepOpen(listener, (connection) => this.#read(connection));
  }

  async save(path: string, name: string): Promise<null> {
    const token = this.#token.get();
    let content: Blob;
    try {
      const response = await send(path, { cache: 'no-store' }, token);
      if (response.status === 401) this.#drop(token);
      if (!response.ok) throw refused(response, await response.text());
      content = await response.blob();
    } catch (cause) {
      throw cause instanceof TypeError ? new Unreachable({ cause }) : cause;
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    // The browser has taken it by the next turn; a minute is for those that ask where to put it.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return null;
  }

  async #request<T>(method: Method, path: string, body: unknown, confirmation: string | null): Promise<T> {
    const token = this.#token.get();
    const headers = new Headers({ accept: 'application/json' });
    const init: RequestInit = { method, headers };
    if (confirmation !== null) headers.set('agentport-confirmation', confirmation);
    if (body !== undefined) {
      headers.set('content-type', 'application/json');
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
      if (path === LOGOUT) this.#drop(token);
    }
    if (!response.ok) {
      // Where there is a newer token, the request has only come with the old one.
      if (response.status === 401 && path !== LOGIN && !this.#drop(token)) {
        return this.#request(method, path, body, confirmation);
      }
      throw refused(response, text);
    }
    const answer: unknown = text === '' ? undefined : parse(text);
    if (SIGN_INS.includes(path)) this.#signedIn(answer as LoggedIn);
    if (path === SESSION && !(answer as Session).signed_in && !this.#drop(token)) {
      return this.#request(method, path, body, confirmation);
    }
    return answer as T;
  }

  #signedIn(answer: LoggedIn): void {
    this.#token.keep(answer);
    // A code shown at the sign-in need not be shown again at once.
    if (answer.confirmation) this.confirmations.keep(answer.confirmation);
  }

  /** Reads one stream of events to its end. */
  async #read({ signal, open, push }: StreamConnection): Promise<void> {
    const token = this.#token.get();
    const headers = { accept: 'text/event-stream' };
    const response = await send(EVENTS, { headers, cache: 'no-store', signal }, token);
    if (response.status === 401) this.#drop(token);
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || !response.body || !type.startsWith('text/event-stream')) {
      await response.body?.cancel();
      return;
    }
    open();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      push(decoder.decode(value, { stream: true }));
    }
  }

  /** Forgets `token`, which is no good. False if there is another one by now. */
  #drop(token: string | null): boolean {
    const now = this.#token.get();
    if (now !== null && now !== token) return false;
    this.#token.drop();
    this.confirmations.forget();
    this.signed(false);
    return true;
  }
}

function send(path: string, init: RequestInit, token: string | null): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return fetch(path, { ...init, headers, credentials: 'omit' });
}

function refused(response: Response, text: string): Refused {
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return refusal(response.status, text, Number.isFinite(after) ? after : null);
}
