/** The status of a request, in words. */
import type { ApprovalView } from '../bindings/ApprovalView';
import {
  DENIED,
  deniedWords,
  EXPIRED,
  notPickedUp,
  notPickedUpYet,
  withdrawnWords,
} from '../format/approvals';
import { OUTCOMES, type Tone } from '../format/labels';
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
        short: waits ? notPickedUp().label : 'Approved',
        long:
          `${granted(state.grant, state.audience, now)}. ` +
          (waits ? notPickedUpYet(view.agent_name) : runsWhenBack(view.agent_name)),
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
      return { short: DENIED.label, long: deniedWords(state.reason), tone: 'bad', at: state.at };
    case 'expired': {
      const { label, meaning } = state.approved_at === undefined ? EXPIRED : notPickedUp(view.agent_name);
      return { short: label, long: meaning, tone: 'warn', at: state.at };
    }
    case 'withdrawn':
      return {
        short: 'Withdrawn',
        long: withdrawnWords(state.because),
        tone: 'quiet',
        at: state.at,
      };
  }
}
