/**
 * The token of the owner's sign-in, kept by the browser: for this origin, and so for this port, and shared by its
 * tabs. Whether it is still good only the gateway knows.
 */
import type { LoggedIn } from '../bindings/LoggedIn';
import { isObject } from './json';

const KEPT_AS = 'agentport-owner';

export class KeptToken {
  /** Where the browser keeps nothing: ours alone, until the page is left. */
  #own: string | null = null;

  /** @param changed called when another tab signed in or out */
  constructor(changed: () => void) {
    addEventListener('storage', (event) => {
      // Without a key everything was cleared.
      if (event.key === KEPT_AS || event.key === null) changed();
    });
  }

  get(): string | null {
    if (this.#own !== null) return this.#own;
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? 'null');
      return isObject(kept) && typeof kept['token'] === 'string' ? kept['token'] : null;
    } catch {
      return null;
    }
  }

  keep({ token, expires_at }: LoggedIn): void {
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify({ token, expires_at }));
      this.#own = null;
    } catch {
      this.#own = token;
    }
  }

  drop(): void {
    this.#own = null;
    try {
      localStorage.removeItem(KEPT_AS);
    } catch {
      // Storage may be switched off; then nothing was kept.
    }
  }
}
