/** One call, told from the asking to the answer. Pure. */
import type { ActivityRow } from '../bindings/ActivityRow';
import type { ApprovalView } from '../bindings/ApprovalView';
import { requestStatus } from '../approvals/status';
import { decisionTitle } from '../format/approvals';
import type { InboxTab } from '../route/route';
import { because, DECISIONS, ENTRY_POINTS, MODE_TONES, type Tone } from '../format/labels';
import { fullTime, span } from '../format/time';
import { rowOutcome } from './rows';

export interface Step {
  kind: 'called' | 'decided' | 'asked' | 'ran' | 'ended';
  tone: Tone;
  title: string;
  detail: string;
}

/**
 * @param request what the owner was asked, as far as it is known
 * @param rule what the rule says that decided; `null` where it is gone or none did
 */
export function steps(
  row: ActivityRow,
  request: ApprovalView | null,
  rule: string | null,
  now: number,
): Step[] {
  const told: Step[] = [
    {
      kind: 'called',
      tone: 'quiet',
      title: `${row.agent_name} called`,
      detail: `${fullTime(row.at)}, by ${ENTRY_POINTS[row.entry_point]}`,
    },
  ];
  if (row.decision) {
    told.push({
      kind: 'decided',
      tone: MODE_TONES[row.decision],
      // The owner was spared the question: saying that they were asked would be untrue.
      title: row.outcome === 'not_asked' ? 'Would ask you' : DECISIONS[row.decision],
      detail: why(row, rule),
    });
  }
  const waited = row.waited_ms > 0 ? `after ${span(row.waited_ms)}` : '';
  if (request && request.state.state !== 'pending') {
    const { long, tone, at } = requestStatus(request, now);
    // A call that was not approved was not kept waiting to the end of it; its request was.
    const took = at === null ? 0 : Date.parse(at) - Date.parse(request.created_at);
    const after = waited !== '' || took <= 0 ? waited : `after ${span(took)}`;
    const edited = request.edited ? ' With arguments you edited.' : '';
    told.push({
      kind: 'asked',
      // How it ended is the last step's to say.
      tone: request.state.state === 'done' || request.state.state === 'running' ? 'good' : tone,
      title: decisionTitle(request.state),
      detail: [at === null ? '' : fullTime(at), after].filter(Boolean).join(', ') + sentence(long) + edited,
    });
  } else if (waited !== '') {
    told.push({ kind: 'asked', tone: 'busy', title: `Waited ${span(row.waited_ms)}`, detail: 'For you' });
  }
  if (row.ran_us > 0) {
    told.push({ kind: 'ran', tone: 'quiet', title: `Ran ${span(row.ran_us / 1_000)}`, detail: '' });
  }
  // Once the owner has decided, what the request says is all there is until the agent comes back.
  if (row.outcome !== 'pending' || request === null || request.state.state === 'pending') {
    const { tone, label, meaning } = rowOutcome(row);
    const title = row.outcome === 'not_asked' ? `${label}: you denied it 3 times` : label;
    told.push({ kind: 'ended', tone, title, detail: row.error ?? meaning });
  }
  return told;
}

function why(row: ActivityRow, rule: string | null): string {
  if (row.reason === null) return '';
  const reason = because(row.reason);
  if (row.reason.kind !== 'rule' && row.reason.kind !== 'definition_changed') return reason;
  return rule === null ? `${reason}, which is gone by now` : `${reason}: ${rule}`;
}

/** Follows a moment as a sentence of its own. */
function sentence(text: string): string {
  return text === '' ? '' : `. ${text}`;
}

/** Under which tab of the inbox a request is to be found. */
export function tabOf({ state }: ApprovalView): InboxTab {
  if (state.state === 'pending') return 'waiting';
  return state.state === 'expired' ? 'missed' : 'decided';
}
