/** The clients and how they stand, kept fresh. */
import type { ClientView } from '../bindings/ClientView';
import { live } from '../live/live.svelte';
import { Reading } from '../live/reading.svelte';
import { list } from './requests';
import { waits } from './standing';

/**
 * To be called while a component is set up. A call, which happens all the time, is a reason to look again only while a
 * client is waited for. What was found stays on the screen while another folder is looked at.
 */
export function clientsReading(folder: () => string | null): Reading<string, ClientView[]> {
  const reading = new Reading({
    key: () => folder() ?? '',
    load: (key) => list(key === '' ? null : key),
    topics: ['clients', 'agents'],
    keep: true,
  });
  const waiting = $derived((reading.value ?? []).some(({ files }) => files.some(waits)));
  let seen = live.revision('activity');
  $effect(() => {
    const revision = live.revision('activity');
    if (waiting && revision !== seen) reading.reload();
    seen = revision;
  });
  return reading;
}
