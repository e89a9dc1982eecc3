/**
 * The gateway over HTTP, for a browser: a cookie says who we are, and the browser keeps it.
 */
import type { Event } from '../bindings/Event';
import { wait } from './backoff';
import { isObject, parse, stringify } from './json';
import { Refused, Unreachable, type Host, type Listener, type Method } from './types';

export class HttpHost implements Host {
  readonly signsIn = true;

  /** @param signedOut called when the gateway no longer knows us */
  constructor(private readonly signedOut: () => void) {}

  async request<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
    if (body !== undefined) {
      init.headers = { ...init.headers, 'content-type': 'application/json' };
      init.body = stringify(body);
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(path, init);
      text = await response.text();
    } catch (cause) {
      throw new Unreachable({ cause });
    }
    if (!response.ok) {
      if (response.status === 401 && path !== '/control/login') this.signedOut();
      throw refusal(response, text);
    }
    return (text === '' ? undefined : parse(text)) as T;
  }

  events(listener: Listener): () => void {
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let stopped = false;

    const open = () => {
      source = new EventSource('/control/events', { withCredentials: true });
      source.onopen = () => {
        failures = 0;
        listener.up();
      };
      source.onmessage = (message: MessageEvent<string>) => listener.event(JSON.parse(message.data) as Event);
      source.onerror = () => {
        // The browser's own retry gives up after a refusal and never says when; ours does neither.
        source?.close();
        const delay = wait(failures++, Math.random());
        listener.down(Date.now() + delay);
        timer = setTimeout(() => void again(), delay);
      };
    };
    const again = async () => {
      // An event stream can't say why it was refused; an ordinary request can, and 401 leads to the sign-in.
      await this.request('GET', '/control/status').catch(() => undefined);
      if (!stopped) open();
    };

    open();
    return () => {
      stopped = true;
      clearTimeout(timer);
      source?.close();
    };
  }
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
