/** Servers that were put behind AgentPort and were still starting when the answer came: how they stand now. */
import type { FailedStart } from '../bindings/FailedStart';
import type { IntegrationView } from '../bindings/IntegrationView';

export interface Starts {
  /** Ids of those that still start. */
  waiting: string[];
  failed: FailedStart[];
}

/** `views` is `null` until it is known; all of them still start then. */
export function starts(
  ids: readonly string[],
  views: readonly Pick<IntegrationView, 'id' | 'health'>[] | null,
): Starts {
  if (views === null) return { waiting: [...ids], failed: [] };
  const found: Starts = { waiting: [], failed: [] };
  for (const id of ids) {
    const health = views.find((view) => view.id === id)?.health;
    if (health?.state === 'starting') found.waiting.push(id);
    if (health?.state === 'failed' || health?.state === 'needs_auth') {
      found.failed.push({ id, reason: health.message });
    }
  }
  return found;
}
