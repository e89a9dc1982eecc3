/**
 * Where the second factor is on, what allows anything needs a confirmation. A request refused for want of one is sent
 * again once the owner has shown a code. The confirmation is kept in memory, until it ends: for the next ones.
 */
import { CONFIRM } from './paths';
import type { Confirmation } from '../bindings/Confirmation';
import { Refused } from './types';

/** The request that a confirmation comes from, which needs none. */

/** Asks the owner for a code, and gives the token of the confirmation, or `null` if there is none. */
export type Confirm = (why: string) => Promise<string | null>;

export class Confirmations {
  #kept: Confirmation | null = null;
  /** What asks; a page without it leaves a refusal a refusal. */
  ask: Confirm = () => Promise.resolve(null);

  /** Sends by `send`, with a token where one is at hand, and once more where one is needed and given. */
  async through<T>(path: string, send: (token: string | null) => Promise<T>): Promise<T> {
    if (path === CONFIRM) {
      const answer = await send(null);
      this.keep(answer as Confirmation);
      return answer;
    }
    const had = this.#good();
    try {
      return await send(had);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'confirmation_needed') throw error;
      if (this.#kept?.token === had) this.forget();
      // Another request may have been given one meanwhile.
      const token = this.#good() ?? (await this.ask(error.message));
      if (token === null) throw error;
      return await send(token);
    }
  }

  keep(confirmation: Confirmation): void {
    this.#kept = confirmation;
  }

  forget(): void {
    this.#kept = null;
  }

  #good(): string | null {
    if (this.#kept !== null && Date.parse(this.#kept.expires_at) <= Date.now()) this.forget();
    return this.#kept?.token ?? null;
  }
}
