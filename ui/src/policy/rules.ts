/** Rules as the pages speak of them. Pure. */
import type { IntegrationView } from '../bindings/IntegrationView';
import type { Mode } from '../bindings/Mode';
import type { RuleView } from '../bindings/RuleView';
import type { Scope } from '../bindings/Scope';
import { clockTime } from '../format/time';

/** The plain, lasting rule for a tool: what setting one replaces. `agent` is `null` for every agent. */
export function ruleFor(
  rules: readonly RuleView[],
  integration: string,
  tool: string,
  agent: string | null,
): RuleView | null {
  const found = rules.find(
    ({ rule: { scope, conditions, expires_at, session, agent: whose } }) =>
      scope.kind === 'tool' &&
      scope.integration === integration &&
      scope.tool === tool &&
      whose === agent &&
      conditions.length === 0 &&
      expires_at === null &&
      !session,
  );
  return found ?? null;
}

/** What a rule for a tool would say. `who` is `null` for every agent. */
export function wouldSay(mode: Mode, who: string | null, tool: string, integration: string): string {
  const what = `${tool} in ${integration}`;
  switch (mode) {
    case 'allow':
      return `${who ?? 'Every agent'} may use ${what} without asking.`;
    case 'require_approval':
      return `${who ?? 'Every agent'} must ask before ${what}.`;
    case 'deny':
      return who === null ? `No agent may use ${what}.` : `${who} may not use ${what}.`;
  }
}

/** The rule as a sentence; where it ends, on the owner's clock instead of UTC's. */
export function sentenceOf(view: RuleView, now: number): string {
  const { expires_at } = view.rule;
  if (expires_at === null) return view.sentence;
  return view.sentence.replace(
    /, until \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
    () => `, until ${clockTime(expires_at, now)}`,
  );
}

/** The integration a rule is about; `null` where it is about all of them. */
export function integrationOf(scope: Scope): string | null {
  return 'integration' in scope ? scope.integration : null;
}

export interface RuleFilter {
  agent: string;
  integration: string;
  /** Words that stand in the rule's sentence. */
  words?: string;
}

/** Rules about an agent are its own and those for every agent; the same with integrations. */
export function matching(
  rules: readonly RuleView[],
  { agent, integration, words = '' }: RuleFilter,
): RuleView[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return rules.filter(({ rule, sentence }) => {
    const said = sentence.toLowerCase();
    if (!wanted.every((word) => said.includes(word))) return false;
    const about = integrationOf(rule.scope);
    return (
      (agent === '' || rule.agent === null || rule.agent === agent) &&
      (integration === '' || about === null || about === integration)
    );
  });
}

/** Those that last, and those that end by themselves, the soonest first. */
export function parted(rules: readonly RuleView[]): { lasting: RuleView[]; passing: RuleView[] } {
  const passes = ({ rule }: RuleView) => rule.expires_at !== null || rule.session;
  const end = ({ rule }: RuleView) => (rule.expires_at === null ? Infinity : Date.parse(rule.expires_at));
  return {
    lasting: rules.filter((view) => !passes(view)),
    passing: rules.filter(passes).sort((a, b) => end(a) - end(b)),
  };
}

export interface Default {
  mode: Mode;
  sentence: string;
}

/** What an integration does with tools that no rule is about. */
export function defaults({ name, default_mode, read_only_may_run }: IntegrationView): Default[] {
  const mode = default_mode ?? 'require_approval';
  const rest = read_only_may_run && mode !== 'allow' ? 'Every other tool' : 'Every tool';
  const said: Default[] = [];
  if (read_only_may_run && mode !== 'allow') {
    said.push({ mode: 'allow', sentence: `Tools in ${name} that say they only read may run without asking` });
  }
  switch (mode) {
    case 'allow':
      said.push({ mode, sentence: `${rest} in ${name} without a rule may run without asking` });
      break;
    case 'require_approval':
      said.push({ mode, sentence: `${rest} in ${name} without a rule asks you first` });
      break;
    case 'deny':
      said.push({ mode, sentence: `${rest} in ${name} without a rule is blocked` });
  }
  return said;
}

/** When a rule may end, as offered; minutes from now. */
export const ENDS = [
  { value: 'keep', label: 'As it is' },
  { value: 'never', label: 'Never' },
  { value: '15', label: 'In 15 minutes' },
  { value: '60', label: 'In an hour' },
  { value: '1440', label: 'In a day' },
  { value: '10080', label: 'In a week' },
  { value: 'date', label: 'On a day…' },
] as const;
export type End = (typeof ENDS)[number]['value'];

/** What is sent for an end, `undefined` for no change. A day ends with its midnight on the owner's clock. */
export function endOf(end: End, day: string, now: number): string | undefined {
  switch (end) {
    case 'keep':
      return undefined;
    case 'never':
      return 'never';
    case 'date': {
      const midnight = new Date(`${day}T24:00`);
      return Number.isNaN(midnight.getTime()) ? undefined : midnight.toISOString();
    }
    default:
      return new Date(now + Number(end) * 60_000).toISOString();
  }
}
