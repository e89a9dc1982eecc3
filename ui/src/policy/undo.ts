/**
 * What would bring a removed rule back, exactly as it was. Only a plain rule for a tool can be: one with conditions, an
 * end, a session or another definition would come back wider than it went, so there is no undo for it.
 */
import type { RuleView } from '../bindings/RuleView';
import type { SetPolicy } from '../bindings/SetPolicy';

export function undo({ rule, stale }: RuleView): SetPolicy | null {
  const plain = rule.conditions.length === 0 && rule.expires_at === null && !rule.session && !stale;
  if (!plain || rule.scope.kind !== 'tool') return null;
  const { integration, tool } = rule.scope;
  const body: SetPolicy = { integration, tool, mode: rule.mode };
  if (rule.agent !== null) body.agent = rule.agent;
  if (rule.digest !== null) body.digest = rule.digest;
  return body;
}
