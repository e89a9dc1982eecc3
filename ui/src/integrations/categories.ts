/** The tools of an integration by category, and what is set for each category as a whole. Pure. */
import type { Mode } from '../bindings/Mode';
import type { RuleView } from '../bindings/RuleView';
import type { ToolView } from '../bindings/ToolView';
import { because } from '../format/labels';

export interface Category {
  /** Empty for tools that are in none. */
  name: string;
  tools: ToolView[];
  /** What a call of any of them gets; `null` where they differ. */
  mode: Mode | null;
  /** What is set for the category. */
  rule: RuleView | null;
  /** How many of its tools have a rule of their own. */
  own: number;
}

/** The categories that every server has for want of better ones, from harmless to not. */
const BY_HARM = ['Reads', 'Changes', "Doesn't say", 'Destroys'];

export function categories(
  integration: string,
  tools: readonly ToolView[],
  rules: readonly RuleView[],
): Category[] {
  const by = new Map<string, ToolView[]>();
  for (const tool of tools) by.set(tool.category ?? '', [...(by.get(tool.category ?? '') ?? []), tool]);
  const all = [...by].map(([name, members]): Category => {
    const [first] = members;
    return {
      name,
      tools: members,
      mode: first && members.every(({ mode }) => mode === first.mode) ? first.mode : null,
      rule: name === '' ? null : categoryRule(integration, name, rules),
      own: members.filter((tool) => ownRule(integration, tool.name, rules) !== null).length,
    };
  });
  return all.sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}

function rank(name: string): number {
  if (name === '') return BY_HARM.length + 1;
  const at = BY_HARM.indexOf(name);
  return at === -1 ? BY_HARM.length : at;
}

/** For every agent, with any arguments and without an end: what the page itself sets. */
function plain({ rule }: RuleView): boolean {
  return rule.agent === null && rule.conditions.length === 0 && rule.expires_at === null && !rule.session;
}

function categoryRule(integration: string, name: string, rules: readonly RuleView[]): RuleView | null {
  const found = rules.find((view) => {
    const { scope } = view.rule;
    return (
      plain(view) && scope.kind === 'category' && scope.integration === integration && scope.category === name
    );
  });
  return found ?? null;
}

/** What is set for one tool alone. */
export function ownRule(integration: string, tool: string, rules: readonly RuleView[]): RuleView | null {
  const found = rules.find((view) => {
    const { scope } = view.rule;
    return plain(view) && scope.kind === 'tool' && scope.integration === integration && scope.tool === tool;
  });
  return found ?? null;
}

/** `2 allowed, 1 blocked`, for a category whose tools differ. */
export function mixture(tools: readonly ToolView[]): string {
  const words: Record<Mode, string> = { allow: 'allowed', require_approval: 'ask', deny: 'blocked' };
  return (['allow', 'require_approval', 'deny'] as const)
    .map((mode) => [tools.filter((tool) => tool.mode === mode).length, words[mode]] as const)
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`)
    .join(', ');
}

/** Why a tool has the mode it has, where its page knows better than “a rule says so”. */
export function reason(tool: ToolView, own: RuleView | null, category: RuleView | null): string {
  if (tool.reason.kind === 'rule') {
    if (own !== null && tool.reason.id === own.rule.id) return 'Set for this tool';
    if (category !== null && tool.reason.id === category.rule.id) return `Set for “${tool.category ?? ''}”`;
  }
  return because(tool.reason);
}
