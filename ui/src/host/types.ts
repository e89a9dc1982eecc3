/**
 * Interface of the pages to the backend. Pages use nothing else: no fetch, no tokens, no Tauri.
 */
import type { Event } from '../bindings/Event';
import type { RequestId } from '../bindings/RequestId';
import type { Saved } from '../bindings/Saved';
import type { TokenPlace } from '../bindings/TokenPlace';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a stream of events tells. After `down` the host tries again by itself until stopped. */
export interface Listener {
  event(event: Event): void;
  /** The stream is open; a snapshot follows. */
  up(): void;
  /** The stream broke; tried again at `retryAt` (milliseconds since the epoch). */
  down(retryAt: number): void;
}

export interface Host {
  /** Must the owner sign in? Not in a window of the desktop app, which is the owner's already. */
  readonly signsIn: boolean;
  /**
   * Sends `body` as JSON and gives the JSON answered, `undefined` where there is none.
   * @throws {Refused} when the gateway refuses
   * @throws {Unreachable} when nothing answers
   */
  request<T>(method: Method, path: string, body?: unknown): Promise<T>;
  /** Listens until the function given back is called. */
  events(listener: Listener): () => void;
  /** The desktop app around the page; `null` in a browser. What it can do stands behind `/desktop…` paths. */
  readonly desktop: DesktopHost | null;
  /**
   * Keeps what a `GET` of `path` answers as a file: where the desktop app put it, or `null` from a browser, which
   * downloads it under `name`.
   */
  save(path: string, name: string): Promise<Saved | null>;
}

export type Shown = (request: RequestId, asked: boolean) => void;

/** What only the desktop app's own windows know. */
export interface DesktopHost {
  readonly window: 'main' | 'approval';
  /**
   * Calls `then` with each request the approval window is to show, and whether the owner asked for it, until the
   * function given back is called.
   */
  onShow(then: Shown): () => void;
  /**
   * Calls `then` when the main window is to ask whether AgentPort keeps running, until the function given back is called.
   */
  onAskClose(then: () => void): () => void;
}

/** The gateway answered and said no. The message is a sentence for people. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly status: number,
    detail: string,
    /** The field at fault, where there is one. */
    readonly field: string | null = null,
    /** Seconds until it is worth trying again, where the gateway said so. */
    readonly retryAfter: number | null = null,
    /** A word to branch on, where a page has something to do about it. */
    readonly code: string | null = null,
    /** Where a token is wanted, with the code `token_needed`. */
    readonly token: TokenPlace | null = null,
    /** The command that would run, with the code `command_not_accepted`. */
    readonly command: string | null = null,
  ) {
    super(detail);
  }
}

/** Nothing answered. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';

  constructor(options?: ErrorOptions) {
    super('AgentPort is not answering. Is it still running?', options);
  }
}
