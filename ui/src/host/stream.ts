/** A stream of events that is reopened with backoff whenever it ends. How one is read is left to the host. */
import type { Event } from '../bindings/Event';
import { wait } from './backoff';
import { SseParser } from './sse';
import type { Listener } from './types';

/** One stream, while it is read. */
export interface StreamConnection {
  /** Aborted when the last listener is gone. */
  readonly signal: AbortSignal;
  /** The stream is open. Calling it again does nothing. */
  open(): void;
  /** The next piece of its text. */
  push(text: string): void;
}

/**
 * Reads streams for `listener`, one after the other, until the function given back is called.
 * @param read reads one stream to its end. Unreachable, refused or broken: all the same here
 */
export function keepOpen(
  listener: Listener,
  read: (connection: StreamConnection) => Promise<void>,
): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const one = (): StreamConnection => {
    const parser = new SseParser();
    let opened = false;
    return {
      signal: stop.signal,
      open() {
        if (opened || stop.signal.aborted) return;
        opened = true;
        failures = 0;
        listener.up();
      },
      push(text) {
        for (const data of parser.push(text)) {
          if (stop.signal.aborted) return;
          try {
            listener.event(JSON.parse(data) as Event);
          } catch (error) {
            // One event that can't be used does not end the stream.
            reportError(error);
          }
        }
      },
    };
  };

  const next = async () => {
    await read(one()).catch(() => undefined);
    if (stop.signal.aborted) return;
    const delay = wait(failures++, Math.random());
    listener.down(Date.now() + delay);
    timer = setTimeout(() => void next(), delay);
  };

  void next();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
