/** Rewrites the entries of connected clients after the gateway moved, by the same plans as under Connect. */
import { draft, want } from '../connect/draft';
import { apply, plan } from '../connect/requests';
import { failure } from '../host/asyncAction.svelte';
import type { PortEntry, Rewritten } from './portMove';

/** Makes each entry lead to where the gateway listens now. One that fails keeps none of the others back. */
export async function rewrite(entries: readonly PortEntry[]): Promise<Rewritten> {
  const done: Rewritten = { written: [], restarts: [], failed: [] };
  for (const entry of entries) {
    try {
      const made = await plan(entry.client, want({ ...draft('connect', entry.path), via: entry.via }));
      const applied = await apply(made.id);
      done.written.push(entry);
      if (applied.restart !== undefined && !done.restarts.includes(applied.restart)) {
        done.restarts.push(applied.restart);
      }
    } catch (error) {
      done.failed.push({ entry, reason: failure(error).message });
    }
  }
  return done;
}
