/** The words for what the gateway says in identifiers. One place, so that every page says the same. */
import type { EntryPoint } from '../bindings/EntryPoint';
import type { Reason } from '../bindings/Reason';
import type { Mode } from '../bindings/Mode';
import type { OutcomeKind } from '../bindings/OutcomeKind';
import { DENIED, EXPIRED, notPickedUp } from './approvals';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'busy';

export const MODES: Record<Mode, string> = { allow: 'Allow', require_approval: 'Ask', deny: 'Block' };

export const MODE_TONES: Record<Mode, Tone> = { allow: 'good', require_approval: 'warn', deny: 'bad' };

/** The three, to choose from. */
export const MODE_OPTIONS = (['allow', 'require_approval', 'deny'] as const).map((value) => ({
  value,
  label: MODES[value],
  tone: MODE_TONES[value],
}));

/** What the policy did with a call, as a verb in the past. */
export const DECISIONS: Record<Mode, string> = {
  allow: 'Allowed',
  require_approval: 'Asked the owner',
  deny: 'Blocked',
};

export interface OutcomeWords {
  label: string;
  tone: Tone;
  meaning: string;
}

export const OUTCOMES: Record<OutcomeKind, OutcomeWords> = {
  ok: { label: 'Done', tone: 'good', meaning: 'The integration answered.' },
  tool_error: {
    label: 'Tool failed',
    tone: 'warn',
    meaning: 'The tool ran and reported a failure of its own.',
  },
  upstream_error: {
    label: 'No answer',
    tone: 'bad',
    meaning: 'The integration could not be reached, broke the protocol or took too long.',
  },
  running: { label: 'Running', tone: 'busy', meaning: 'The call was passed on and has not ended yet.' },
  cancelled: { label: 'Cancelled', tone: 'quiet', meaning: 'The agent withdrew the call while it ran.' },
  blocked: { label: 'Blocked', tone: 'bad', meaning: 'A rule of yours blocks this.' },
  pending: { label: 'Waiting', tone: 'busy', meaning: 'The call waits for your decision.' },
  denied: { ...DENIED, tone: 'bad' },
  not_asked: {
    label: 'Not asked',
    tone: 'bad',
    meaning:
      'You denied this tool to this agent several times within minutes, so its calls are denied at once for a while.',
  },
  not_picked_up: { ...notPickedUp(), tone: 'warn' },
  expired: { ...EXPIRED, tone: 'warn' },
  refused: {
    label: 'Refused',
    tone: 'quiet',
    meaning: 'Refused before your rules were asked: unknown, invalid, over a limit, paused or not connected.',
  },
  interrupted: { label: 'Interrupted', tone: 'bad', meaning: 'AgentPort ended before the call did.' },
};

export const ENTRY_POINTS: Record<EntryPoint, string> = {
  mcp: 'MCP, by call_tool',
  direct: 'MCP, listed directly',
  rest: 'REST',
};

/** Why a decision was what it was. */
export function because(reason: Reason): string {
  switch (reason.kind) {
    case 'rule':
      return 'A rule says so';
    case 'definition_changed':
      return 'The tool changed since you allowed it';
    case 'integration_default':
      return 'The integration’s default';
    case 'read_only_may_run':
      return 'It only reads, and read-only tools may run';
    case 'no_rule':
      return 'No rule; that means asking';
  }
}

/** `1 tool`, `3 tools`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** `312 B`, `4.1 KB`, `2.0 MB`. */
export function bytes(n: number): string {
  if (n < 1_000) return `${n} B`;
  return n < 1_000_000 ? `${(n / 1_000).toFixed(1)} KB` : `${(n / 1_000_000).toFixed(1)} MB`;
}
