/** One attempt to add or install something: under way, taken back, or failed. Nothing is kept of one that failed. */
import { AsyncAction } from '../host/asyncAction.svelte';
import { Refused } from '../host';
import type { AddProgress } from '../bindings/AddProgress';
import { addProgress, stopAdding } from './requests';

/** Milliseconds between two looks at the progress. */
const LOOK_INTERVAL = 1_000;

export class Attempt {
  action = new AsyncAction();
  /** Taken back by the owner. */
  cancelled = $state(false);
  cancelling = $state(false);
  /** What is waited for; `null` until the gateway has said so. */
  progress = $state.raw<AddProgress | null>(null);
  #id: string | null = null;

  /** The upstream did not answer. One that answered and refused the secrets is something else. */
  get unreachable(): boolean {
    return this.action.error?.status === 502 && this.action.error.field === null;
  }

  /** Runs `work`, which adds `id` (or is an attempt of that name). True when it was added. */
  async run(id: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.action.busy) return false;
    this.#id = id;
    this.cancelled = false;
    this.progress = null;
    const looking = setInterval(() => void this.#look(id), LOOK_INTERVAL);
    const added = await this.action.run(work);
    clearInterval(looking);
    this.progress = null;
    this.#id = null;
    if (this.cancelling && !added) {
      this.cancelled = true;
      this.action.error = null;
    }
    this.cancelling = false;
    return added;
  }

  async #look(id: string): Promise<void> {
    try {
      const progress = await addProgress(id);
      if (this.#id === id) this.progress = progress;
    } catch {
      // It is not tried yet, or was a moment ago: the request itself says how it went.
    }
  }

  /** Ends what is under way; its request is then answered with a refusal. */
  async cancel(): Promise<void> {
    if (this.#id === null || this.cancelling) return;
    this.cancelling = true;
    try {
      await stopAdding(this.#id);
    } catch (error) {
      this.cancelling = false;
      // It came to its end by itself a moment ago, or was never begun.
      if (!(error instanceof Refused && error.status === 404)) throw error;
    }
  }
}
