/**
 * What the owner reads about a request and how it ended: one place for the inbox, the activity and the timeline of a
 * call. `agentport-core/src/approval/sentences.rs` holds the same words for the command line and for agents.
 */
import type { State } from '../bindings/State';
import type { WithdrawnBecause } from '../bindings/WithdrawnBecause';

/** A short label for a badge, and a sentence. */
export interface EndingWords {
  label: string;
  meaning: string;
}

export const DENIED = { label: 'Denied', meaning: 'You said no.' } satisfies EndingWords;

export const EXPIRED = {
  label: 'Missed',
  meaning: 'It was not decided in time, so it did not run.',
} satisfies EndingWords;

/** Approved, and the agent did not come back before the request expired. */
export const notPickedUp = (agent = 'the agent'): EndingWords => ({
  label: 'Approved, not picked up',
  meaning: `You approved it, and ${agent} did not come back for it in time, so it did not run.`,
});

/** Approved, and the agent may still come back. Starts a sentence. */
export const notPickedUpYet = (agent: string): string =>
  `${agent} has not come back for it yet. It runs once it does.`;

/** Why a request was withdrawn. */
export const WITHDRAWN: Record<WithdrawnBecause, string> = {
  agent_revoked: 'the agent was shut out',
  integration_removed: 'the integration was removed',
  tool_gone: 'the tool no longer exists',
  definition_changed: 'the tool changed since it was asked for',
};

export function deniedWords(reason: string | null): string {
  return reason === null || reason === '' ? `${DENIED.label}.` : `${DENIED.label}: “${reason}”`;
}

export const withdrawnWords = (because: WithdrawnBecause): string =>
  `Withdrawn, because ${WITHDRAWN[because]}.`;

/** What the owner did about a request, or did not, as a title. */
export function decisionTitle(state: State): string {
  switch (state.state) {
    case 'denied':
      return 'You said no';
    case 'expired':
      return state.approved_at === undefined ? 'Time ran out' : 'You approved it';
    case 'withdrawn':
      return 'Withdrawn';
    default:
      return 'You approved it';
  }
}
