/** What else the owner can say with a no: that it holds for a while, or from now on. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { RuleView } from '../bindings/RuleView';
import { nameText } from '../format/names';
import { backFromSet, type WayBack } from '../policy/undo';
import { change, list, set } from '../policy/requests';
import { ruleFor } from '../policy/rules';
import { deny } from './requests';

export interface DenyOffer {
  label: string;
  hint: string;
  /** How long the tool is blocked, in minutes; `null` until the owner changes it. */
  minutes: number | null;
}

/** From narrow to wide, as the ways to approve are. */
export function denyOffers(agent: string): DenyOffer[] {
  const name = nameText(agent);
  return [
    { label: `Block this tool for ${name} for 15 minutes`, hint: 'Then it asks again', minutes: 15 },
    { label: `Block this tool for ${name}`, hint: 'Until you change it', minutes: null },
  ];
}

type Subject = Pick<ApprovalView, 'id' | 'agent' | 'integration' | 'tool'>;

/** Denies the request, and blocks its tool for its agent. Gives the rule, and what takes it back. */
export async function denyAndBlock(
  { id, agent, integration, tool }: Subject,
  minutes: number | null,
  now: number,
): Promise<{ made: RuleView; back: WayBack }> {
  const before = ruleFor(await list(), integration, tool, agent);
  await deny(id, {});
  let made = await set({ integration, tool, agent, mode: 'deny' });
  if (minutes !== null) {
    const end = new Date(now + minutes * 60_000).toISOString();
    made = await change(made.rule.id, { expires_at: end });
  }
  return { made, back: backFromSet(made, before) };
}
