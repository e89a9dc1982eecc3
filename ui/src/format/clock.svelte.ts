/** The time, as state. Ticks once a second, and only while something on the screen shows it. */
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1_000);
  return () => clearInterval(timer);
});

/** Milliseconds since the epoch. An effect or template that reads it runs again every second. */
export function now(): number {
  subscribe();
  return Date.now();
}
