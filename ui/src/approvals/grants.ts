/**
 * What the owner can grant with an approval, from narrow to wide, and how each is said. The wider, the more words and
 * the more clicks.
 */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { Audience } from '../bindings/Audience';
import type { Grant } from '../bindings/Grant';
import type { GrantChoice } from '../bindings/GrantChoice';
import { clockTime } from '../format/time';

export interface Offer {
  choice: GrantChoice;
  label: string;
  hint: string;
}

/** Everything beyond `once`, in the order of the menu. */
export const WIDER: readonly Offer[] = [
  { choice: { kind: 'exact' }, label: 'These exact arguments, always', hint: 'Anything else still asks' },
  { choice: { kind: 'for', minutes: 15 }, label: 'This tool for 15 minutes', hint: 'Any arguments' },
  { choice: { kind: 'for', minutes: 30 }, label: 'This tool for 30 minutes', hint: 'Any arguments' },
  { choice: { kind: 'for', minutes: 60 }, label: 'This tool for 60 minutes', hint: 'Any arguments' },
  { choice: { kind: 'session' }, label: 'This tool for this session', hint: 'Until 30 minutes of silence' },
  { choice: { kind: 'always' }, label: 'This tool, always', hint: 'Until you change it' },
];

type Subject = Pick<ApprovalView, 'agent_name' | 'tool' | 'tool_title' | 'integration_name' | 'destructive'>;

export function toolName(view: Pick<ApprovalView, 'tool' | 'tool_title'>): string {
  return view.tool_title ?? view.tool;
}

/** What would be so from now on, as a sentence. */
export function consequence(choice: GrantChoice, audience: Audience, view: Subject, now: number): string {
  const who = audience === 'every_agent' ? 'Every agent' : view.agent_name;
  const what = `${toolName(view)} in ${view.integration_name}`;
  switch (choice.kind) {
    case 'once':
      return `${view.agent_name} may make this one call.`;
    case 'exact':
      return `${who} may use ${what} with exactly these arguments, without asking again.`;
    case 'for': {
      const until = clockTime(new Date(now + choice.minutes * 60_000).toISOString(), now);
      return `${who} may use ${what} with any arguments until ${until}, without asking again.`;
    }
    case 'session':
      return (
        `${who} may use ${what} with any arguments without asking again, ` +
        'until 30 minutes of silence or until AgentPort stops.'
      );
    case 'always':
      return `${who} may use ${what} with any arguments from now on, without asking again.`;
  }
}

/** A session is one agent's, so a grant that ends with it can be for no other. */
export function mayBeForEveryone(choice: GrantChoice): boolean {
  return choice.kind !== 'session';
}

/** Lasting grants on a tool that may destroy need a second, explicit yes. */
export function needsConsent(choice: GrantChoice, destructive: boolean): boolean {
  return destructive && (choice.kind === 'always' || choice.kind === 'session' || choice.kind === 'for');
}

/** How many other requests that wait the grant would let run. One for exact arguments covers no others. */
export function coveredToo({ kind }: GrantChoice, alsoWaiting: number): number {
  return kind === 'once' || kind === 'exact' ? 0 : alsoWaiting;
}

/** What runs as soon as it is granted. */
export function runsNow(others: number): string {
  if (others === 0) return 'This also runs the call that asks now, and no other that waits.';
  return `This also runs the call that asks now and ${others === 1 ? 'the other' : `the ${others} others`} that ${others === 1 ? 'waits' : 'wait'}.`;
}

/** What was granted, for a request that was decided. */
export function granted(grant: Grant, audience: Audience, now: number): string {
  const whom = audience === 'every_agent' ? ', for every agent' : '';
  switch (grant.kind) {
    case 'once':
      return 'Approved once';
    case 'exact':
      return `Approved, and these exact arguments always${whom}`;
    case 'until':
      return `Approved, and this tool until ${clockTime(grant.at, now)}${whom}`;
    case 'session':
      return `Approved, and this tool for the session${whom}`;
    case 'always':
      return `Approved, and this tool always${whom}`;
  }
}
