/** The status of a request, in words. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { State } from '../bindings/State';
import { OUTCOMES, WITHDRAWN, type Tone } from '../format/labels';
import { granted } from './grants';

export interface RequestStatus {
  /** For a badge in a list. */
  short: string;
  /** A sentence or two. */
  long: string;
  tone: Tone;
  /** When it came to stand so. */
  at: string | null;
}

/** What is said of an approved request for which the agent has not come back. The same words as for its call. */
const NOT_PICKED_UP = OUTCOMES.not_picked_up.label;

/** An agent that waits comes back within this time; until then nothing is said of it. */
const PICK_UP_MS = 5_000;

const runsWhenBack = (agent: string) => `It runs when ${agent} comes back for it.`;

export function requestStatus(view: Pick<ApprovalView, 'state' | 'agent_name'>, now: number): RequestStatus {
  const state = view.state;
  switch (state.state) {
    case 'pending':
      return { short: 'Waiting', long: 'Waiting for your decision.', tone: 'busy', at: null };
    case 'approved': {
      const waits = now - Date.parse(state.at) > PICK_UP_MS;
      return {
        short: waits ? NOT_PICKED_UP : 'Approved',
        long:
          `${granted(state.grant, state.audience, now)}. ` +
          (waits
            ? `${view.agent_name} has not come back for it yet. It runs once it does.`
            : runsWhenBack(view.agent_name)),
        tone: waits ? 'warn' : 'good',
        at: state.at,
      };
    }
    case 'running':
      return {
        short: 'Running',
        long: `${granted(state.grant, state.audience, now)}. It runs now.`,
        tone: 'busy',
        at: state.started_at,
      };
    case 'done': {
      const outcome = OUTCOMES[state.outcome];
      return {
        short: outcome.label,
        long: `${granted(state.grant, state.audience, now)}. ${outcome.meaning}`,
        tone: outcome.tone,
        at: state.finished_at,
      };
    }
    case 'denied':
      return { short: 'Denied', long: denied(state), tone: 'bad', at: state.at };
    case 'expired':
      return state.approved_at === undefined
        ? {
            short: 'Missed',
            long: 'It was not decided in time, so it did not run.',
            tone: 'warn',
            at: state.at,
          }
        : {
            short: NOT_PICKED_UP,
            long: `You approved it, and ${view.agent_name} did not come back for it in time, so it did not run.`,
            tone: 'warn',
            at: state.at,
          };
    case 'withdrawn':
      return {
        short: 'Withdrawn',
        long: `Withdrawn, because ${WITHDRAWN[state.because]}.`,
        tone: 'quiet',
        at: state.at,
      };
  }
}

function denied({ reason }: Extract<State, { state: 'denied' }>): string {
  return reason === null || reason === '' ? 'Denied.' : `Denied: “${reason}”`;
}
