/** Stops every call, and lets them run again. */
import type { Pause } from '../bindings/Pause';
import { host } from '../host';
import { PAUSE } from '../host/paths';
import { live } from '../live/live.svelte';

export async function setPaused(paused: boolean): Promise<void> {
  await host.request('POST', PAUSE, { paused } satisfies Pause);
  // The event says the same; the button should not wait for it.
  live.hear({ type: 'paused', paused });
}
