/** What a client ran without asking, as something to choose from: a proposal, never a rule by itself. Pure. */
import type { Imported } from '../bindings/Imported';
import type { KeyView } from '../bindings/KeyView';
import type { SetPolicy } from '../bindings/SetPolicy';
import type { ToolView } from '../bindings/ToolView';
import { life } from '../agents/life';

export function proposes(imported: Imported | null | undefined): imported is Imported {
  return imported != null && (imported.auto_approve_all || imported.auto_approve.length > 0);
}

export interface Proposed {
  /** Tools there are, and which do not run without asking already. */
  tools: ToolView[];
  /** Names the client had, of which the integration knows nothing. */
  unknown: string[];
}

export function proposed(imported: Imported, tools: readonly ToolView[]): Proposed {
  const named = new Set(imported.auto_approve);
  return {
    tools: tools.filter(
      ({ name, mode }) => (imported.auto_approve_all || named.has(name)) && mode !== 'allow',
    ),
    unknown: imported.auto_approve.filter((name) => !tools.some((tool) => tool.name === name)),
  };
}

/** The rules for what was ticked. `agent` is `null` for every agent. */
export function rulesFor(
  integration: string,
  tools: readonly ToolView[],
  ticked: ReadonlySet<string>,
  agent: string | null,
): SetPolicy[] {
  return tools
    .filter(({ name }) => ticked.has(name))
    .map(({ name, digest }) => ({
      integration,
      tool: name,
      mode: 'allow',
      digest,
      ...(agent === null ? {} : { agent }),
    }));
}

/** The agents that client is here, by the names their keys were given: `Cursor`, `Cursor 2`, `Cursor (folder)`. */
export function agentsOf(from: string, keys: readonly KeyView[], now: number): KeyView[] {
  return keys.filter((key) => life(key, now) === 'good' && isNamed(key.name, from));
}

function isNamed(name: string, client: string): boolean {
  return name.startsWith(client) && /^(?: \(.*\))?(?: \d+)?$/.test(name.slice(client.length));
}
