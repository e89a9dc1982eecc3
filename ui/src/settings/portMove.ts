/** Which clients' files name the gateway's port, and what becomes of them when it moves. Pure. */
import type { ClientView } from '../bindings/ClientView';
import type { ConnectionMethod } from '../bindings/ConnectionMethod';
import { count } from '../format/labels';

/** An entry of ours that names the port. */
export interface PortEntry {
  client: string;
  name: string;
  path: string;
  via: ConnectionMethod;
}

export interface Rewritten {
  written: PortEntry[];
  /** What has to be done for the clients to notice, as sentences. */
  restarts: string[];
  failed: { entry: PortEntry; reason: string }[];
}

/** The entries that lead here by the port. `agentport bridge` finds a gateway that moved by itself. */
export function portEntries(clients: readonly ClientView[]): PortEntry[] {
  return clients.flatMap(({ id, name, files }) =>
    files.flatMap(({ path, connected }) =>
      connected?.current && connected.via !== 'bridge'
        ? [{ client: id, name, path, via: connected.via }]
        : [],
    ),
  );
}

/** What was done, in a toast. */
export function movedWords(
  port: number,
  { written, restarts }: Pick<Rewritten, 'written' | 'restarts'>,
): string {
  const moved = `AgentPort listens on port ${port} now.`;
  if (written.length === 0) return moved;
  return [moved, `${count(written.length, 'entry', 'entries')} rewritten.`, ...restarts].join(' ');
}
