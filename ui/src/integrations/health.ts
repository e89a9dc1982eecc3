/** The health of an integration in a word and a tone, and in a sentence where there is more to say. */
import type { Connection } from '../bindings/Connection';
import type { Health } from '../bindings/Health';
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Tone } from '../format/labels';
import { ahead } from '../format/time';

type Kind = Connection['type'];

/** Does its server run on this computer, started by AgentPort? */
export const runsHere = (kind: Kind): boolean => kind === 'local_mcp';

export function healthWord(health: Health, kind: Kind): { word: string; tone: Tone } {
  switch (health.state) {
    case 'idle':
      return { word: runsHere(kind) ? 'Not running' : 'Not in use', tone: 'quiet' };
    case 'starting':
      return { word: runsHere(kind) ? 'Starting…' : 'Connecting…', tone: 'busy' };
    case 'ready':
      return { word: 'Ready', tone: 'good' };
    case 'needs_auth':
      return { word: 'Needs sign-in', tone: 'warn' };
    case 'failed':
      return { word: 'Failed', tone: 'bad' };
    case 'disabled':
      return { word: 'Switched off', tone: 'quiet' };
  }
}

export function healthDetail(health: Health, kind: Kind, now: number): string | null {
  switch (health.state) {
    case 'idle':
      return runsHere(kind)
        ? 'Not running. It starts with the next call.'
        : 'No connection is open. One is opened with the next call.';
    case 'starting':
      return `${runsHere(kind) ? 'Starting' : 'Connecting'} and asking for its tools.`;
    case 'needs_auth':
      return health.message;
    case 'failed': {
      const again = health.retry_at === null ? 'with the next call' : ahead(health.retry_at, now);
      return `${health.message} (tried again ${again})`;
    }
    case 'disabled':
      return 'Agents see nothing of it.';
    case 'ready':
      return null;
  }
}

export function troubled(health: Health): boolean {
  return health.state === 'failed' || health.state === 'needs_auth';
}

/** How many of its tools have a schema that AgentPort can't check arguments by. Older gateways don't say. */
export function uncheckedTools(view: Pick<IntegrationView, 'id'> & { unchecked_tools?: number }): number {
  return view.unchecked_tools ?? 0;
}

/** Those in trouble first; otherwise as they came. */
export function troubleFirst<V extends Pick<IntegrationView, 'health'>>(views: readonly V[]): V[] {
  return views.toSorted((a, b) => Number(troubled(b.health)) - Number(troubled(a.health)));
}
