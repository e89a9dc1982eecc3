/**
 * What the owner reads of an agent that wants to be let in. `agentport-api/src/agents.rs` holds the same words for
 * where it goes on to, for the command line and for notifications.
 */
import type { ConsentState } from '../bindings/ConsentState';
import type { ConsentView } from '../bindings/ConsentView';
import type { RedirectTarget } from '../bindings/RedirectTarget';
import type { StateName } from '../bindings/StateName';
import type { Tone } from './labels';
import { nameText } from './names';

/** Ends a sentence such as "It goes on to …". */
export function redirectWords(redirect: RedirectTarget): string {
  switch (redirect.kind) {
    case 'loopback':
      return `a program on this computer, port ${redirect.port}`;
    case 'app':
      return `the app that opens ${nameText(redirect.scheme)}: addresses`;
    case 'site':
      return `the site https://${nameText(redirect.host)}`;
  }
}

/** What it wants, as a heading. */
export const wantsIn = ({ known_as }: Pick<ConsentView, 'known_as'>): string =>
  known_as === null ? 'A new agent wants in' : 'An agent wants in again';

interface Ending {
  label: string;
  meaning: string;
  tone: Tone;
}

/** How it ended; `null` while it waits. */
export function endingOf(state: ConsentState): Ending | null {
  switch (state) {
    case 'waiting':
      return null;
    case 'approved':
      return { label: 'Let in', meaning: 'You let it in. See it under Agents.', tone: 'good' };
    case 'denied':
      return { label: 'Refused', meaning: 'You refused it. It got no access.', tone: 'bad' };
    case 'expired':
      return {
        label: 'Ended',
        meaning:
          'It was not decided in time, or the agent asked anew. It got no access. Start the sign-in in the agent again if you want it in.',
        tone: 'warn',
      };
  }
}

/** The same as the state of a call's request. */
export function asRequestState(state: ConsentState): StateName {
  return state === 'waiting' ? 'pending' : state;
}
