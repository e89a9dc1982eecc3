/** Where we are, as state. */
import { parse } from './route';

class Router {
  #hash = $state(window.location.hash);
  route = $derived(parse(this.#hash));

  constructor() {
    window.addEventListener('hashchange', () => (this.#hash = window.location.hash));
  }

  go(hash: string): void {
    window.location.hash = hash;
  }

  /** Goes there without a step in the history: for moving through a list. */
  replace(hash: string): void {
    window.history.replaceState(null, '', hash);
    this.#hash = hash;
  }
}

export const router = new Router();
