/** The clients and how they stand, kept fresh. */
import type { ClientView } from '../bindings/ClientView';
import { live } from '../live/live.svelte';
import { LiveQuery } from '../live/query.svelte';
import { list } from './requests';
import { waits } from './status';

/** How often the files of clients are looked for while the page is in view. */
const LOOK_INTERVAL_MS = 5_000;

/**
 * To be called while a component is set up. A call, which happens all the time, is a reason to look again only while a
 * client is waited for. What was found stays on the screen while another folder is looked at.
 */
export function clientsQuery(folder: () => string | null): LiveQuery<string, ClientView[]> {
  const query = new LiveQuery({
    key: () => folder() ?? '',
    load: (key) => list(key === '' ? null : key),
    topics: ['clients', 'agents'],
    keep: true,
  });
  const waiting = $derived((query.value ?? []).some(({ files }) => files.some(waits)));
  let seen = live.revision('activity');
  $effect(() => {
    const revision = live.revision('activity');
    if (waiting && revision !== seen) query.reload();
    seen = revision;
  });
  // A client that was installed meanwhile causes no event: the files are looked for again while the page is in view.
  $effect(() => {
    const look = () => document.visibilityState === 'visible' && query.reload();
    const timer = setInterval(look, LOOK_INTERVAL_MS);
    window.addEventListener('focus', look);
    return () => {
      clearInterval(timer);
      window.removeEventListener('focus', look);
    };
  });
  return query;
}
