/**
 * One action the owner started: whether it still runs, and how it failed.
 */
import type { TokenPlace } from '../bindings/TokenPlace';
import { Refused } from './types';

/** A failure as it is shown. */
export interface Failure {
  message: string;
  field: string | null;
  status: number | null;
  retryAfter: number | null;
  code: string | null;
  token: TokenPlace | null;
}

export function failure(error: unknown): Failure {
  if (error instanceof Refused) {
    return {
      message: error.message,
      field: error.field,
      status: error.status,
      retryAfter: error.retryAfter,
      code: error.code,
      token: error.token,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, field: null, status: null, retryAfter: null, code: null, token: null };
}

export class AsyncAction {
  busy = $state(false);
  error = $state.raw<Failure | null>(null);

  /** Runs `work` unless the last one still runs. True when it went well. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.error = failure(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** The message, if it is about `field`. */
  about(field: string): string | null {
    return this.error?.field === field ? this.error.message : null;
  }
}
