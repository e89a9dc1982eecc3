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

export function requestStatus(view: Pick<ApprovalView, 'state' | 'agent_name'>, now: number): RequestStatus {
  const state = view.state;
  switch (state.state) {
    case 'pending':
      return { short: 'Waiting', long: 'Waiting for your decision.', tone: 'busy', at: null };
    case 'approved':
      return {
        short: 'Approved',
        long: `${granted(state.grant, state.audience, now)}. It runs when ${view.agent_name} comes back for it.`,
        tone: 'good',
        at: state.at,
      };
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
      return {
        short: 'Missed',
        long: 'It was not decided, or not picked up, in time, so it did not run.',
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
