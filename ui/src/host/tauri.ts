/**
 * The gateway in the desktop app's own process: one command carries a request to it, as the owner's. Nothing here goes
 * over a port, and there is nothing to sign in to. The only file that knows of Tauri.
 */
import { DESKTOP_SAVE, DESKTOP_STREAM, EVENTS, fill, withQuery } from './paths';
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Request } from '../bindings/Request';
import type { Response } from '../bindings/Response';
import type { Saved } from '../bindings/Saved';
import type { Show } from '../bindings/Show';
import { Confirmations } from './confirmations';
import { parse, stringify } from './json';
import { refusal } from './refusal';
import { keepOpen, type StreamConnection } from './stream';
import { Unreachable, type DesktopHost, type Host, type Listener, type Method, type Shown } from './types';

export class TauriHost implements Host {
  readonly signsIn = false;
  readonly confirmations = new Confirmations();
  readonly desktop: DesktopHost = new Windowed();
  /** Names streams. Begins anywhere: streams of a page that was here before may not have ended yet. */
  #stream = Math.floor(Math.random() * 2 ** 31);

  /** @param stopped called when a request finds no gateway running */
  constructor(private readonly stopped: () => void) {}

  request<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return this.confirmations.through(path, async (confirmation) => {
      const request: Request = { method, path };
      if (body !== undefined) request.body = stringify(body);
      if (confirmation !== null) request.confirmation = confirmation;
      const answer = this.#checked(await send(request, new Channel()));
      return (answer.body === '' ? undefined : parse(answer.body)) as T;
    });
  }

  events(listener: Listener): () => void {
    return keepOpen(listener, (connection) => this.#read(connection));
  }

  save(path: string, name: string): Promise<Saved> {
    return this.request<Saved>('POST', DESKTOP_SAVE, { path, name });
  }

  /** Reads one stream of events to its end. Its text may overtake the answer that says that it is open. */
  async #read({ signal, open, push }: StreamConnection): Promise<void> {
    const name = ++this.#stream;
    const stream = new Channel<string>();
    const ended = new Promise<void>((end) => {
      stream.onmessage = (text) => {
        if (text === '') return end();
        open();
        push(text);
      };
      signal.addEventListener('abort', () => end(), { once: true });
    });
    this.#checked(await send({ method: 'GET', path: withQuery(EVENTS, { stream: String(name) }) }, stream));
    open();
    await ended;
    // It may have ended by itself; then there is nothing to end.
    if (signal.aborted)
      await send({ method: 'DELETE', path: fill(DESKTOP_STREAM, String(name)) }, new Channel());
  }

  #checked(answer: Response): Response {
    if (answer.status >= 200 && answer.status < 300) return answer;
    const refused = refusal(answer.status, answer.body, answer.retry_after);
    if (refused.code === 'not_running') this.stopped();
    throw refused;
  }
}

async function send(request: Request, stream: Channel<string>): Promise<Response> {
  try {
    return await invoke<Response>('owner', { request, stream });
  } catch (cause) {
    throw new Unreachable({ cause });
  }
}

class Windowed implements DesktopHost {
  readonly window: DesktopHost['window'];
  #then: Shown | null = null;
  #askClose: (() => void) | null = null;
  /** Arrived before a listener was added. */
  #missed: Show | null = null;

  constructor() {
    const name = new URLSearchParams(location.search).get('window');
    this.window = name === 'approval' ? 'approval' : 'main';
    // At once: the app may tell as soon as the page is loaded.
    if (this.window === 'approval') {
      void listen<Show>('agentport://show', ({ payload }) => this.#show(payload));
    } else {
      void listen('agentport://ask-close', () => this.#askClose?.());
    }
  }

  onShow(then: Shown): () => void {
    this.#then = then;
    if (this.#missed !== null) this.#show(this.#missed);
    this.#missed = null;
    return () => (this.#then = null);
  }

  onAskClose(then: () => void): () => void {
    this.#askClose = then;
    return () => (this.#askClose = null);
  }

  #show(show: Show): void {
    if (this.#then === null) this.#missed = show;
    else this.#then(show.request, show.asked);
  }
}
