/** One attempt to add or install something: under way, taken back, or failed. Nothing is kept of one that failed. */
import { AsyncAction } from '../host/asyncAction.svelte';
import { Refused } from '../host';
import { stopAdding } from './requests';

export class Attempt {
  action = new AsyncAction();
  /** Taken back by the owner. */
  cancelled = $state(false);
  cancelling = $state(false);
  #id: string | null = null;

  /** The upstream did not answer. One that answered and refused the secrets is something else. */
  get unreachable(): boolean {
    return this.action.error?.status === 502 && this.action.error.field === null;
  }

  /** Runs `work`, which adds `id`. True when it was added. */
  async run(id: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.action.busy) return false;
    this.#id = id;
    this.cancelled = false;
    const added = await this.action.run(work);
    this.#id = null;
    if (this.cancelling && !added) {
      this.cancelled = true;
      this.action.error = null;
    }
    this.cancelling = false;
    return added;
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
