/**
 * The question for a one-time code. There is one at a time: however many requests were told that they need a
 * confirmation, they wait for the same answer.
 */
class Asking {
  /** Why a code is asked for, in the gateway's words; `null` while none is. */
  why = $state<string | null>(null);
  #waiting: Promise<string | null> | null = null;
  #settle: ((token: string | null) => void) | null = null;

  /** Gives the token of a confirmation, or `null` where the owner gave no code. */
  ask(why: string): Promise<string | null> {
    this.#waiting ??= new Promise((resolve) => {
      this.why = why;
      this.#settle = resolve;
    });
    return this.#waiting;
  }

  /** Resolves every request that waits for this confirmation. */
  answer(token: string | null): void {
    const settle = this.#settle;
    this.why = null;
    this.#waiting = null;
    this.#settle = null;
    settle?.(token);
  }
}

export const asking = new Asking();
export type { Asking };
