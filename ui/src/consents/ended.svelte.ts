/** Requests to be let in end by themselves, and no event says so. */
import type { ConsentView } from '../bindings/ConsentView';

/** Milliseconds after the end until it is read again, and until the next look where the gateway's clock is behind. */
const LOOK_AGAIN = 1_000;

/** Reads again once the first of them ends. To be called while a component is set up. */
export function readWhenEnded(views: () => readonly ConsentView[], read: () => void): void {
  $effect(() => {
    const ends = views()
      .filter(({ state }) => state === 'waiting')
      .map(({ expires_at }) => Date.parse(expires_at));
    if (ends.length === 0) return;
    const timer = setTimeout(read, Math.max(0, Math.min(...ends) - Date.now()) + LOOK_AGAIN);
    return () => clearTimeout(timer);
  });
}
