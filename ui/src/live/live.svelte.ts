/**
 * The stream of events, as state the pages can depend on. Screens depend on it; nothing correct does: every decision
 * is the gateway's.
 */
import type { Event } from '../bindings/Event';
import type { Status } from '../bindings/Status';
import { host } from '../host';
import { STATUS } from '../host/paths';
import { reduce, START, type Topic } from './reducer';

type Connection = { state: 'connecting' } | { state: 'up' } | { state: 'down'; retryAt: number };

/** What changes the status without saying how. */
const COUNTED: ReadonlySet<Event['type']> = new Set([
  'approval',
  'integration',
  'agents',
  'owner',
  // The external URL is served, or not.
  'settings',
]);

class LiveState {
  #live = $state.raw(START);
  connection = $state.raw<Connection>({ state: 'connecting' });
  #stop: (() => void) | null = null;
  #loading = false;
  #again = false;

  get status(): Status | null {
    return this.#live.status;
  }

  /** Grows whenever what was read of `topic` may be old. */
  revision(topic: Topic): number {
    return this.#live.revisions[topic];
  }

  start(): void {
    this.#stop ??= host.events({
      up: () => (this.connection = { state: 'up' }),
      down: (retryAt) => (this.connection = { state: 'down', retryAt }),
      event: (event) => this.hear(event),
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
    this.#live = START;
    this.connection = { state: 'connecting' };
  }

  hear(event: Event): void {
    this.#live = reduce(this.#live, event);
    if (COUNTED.has(event.type)) void this.#count();
  }

  /** Reads the status again: one read at a time, and one more if something happened meanwhile. */
  async #count(): Promise<void> {
    this.#again = true;
    if (this.#loading) return;
    this.#loading = true;
    while (this.#again) {
      this.#again = false;
      try {
        const status = await host.request<Status>('GET', STATUS);
        if (this.#stop !== null) this.#live = { ...this.#live, status };
      } catch {
        // The stream says that the gateway is gone; its snapshot will bring the status.
      }
    }
    this.#loading = false;
  }
}

export const live = new LiveState();
