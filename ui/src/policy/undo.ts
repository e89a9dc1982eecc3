/** Every change of a rule can be taken back, for as long as what is said about it is shown. */
import type { RuleView } from '../bindings/RuleView';
import type { ChangeRule } from '../bindings/ChangeRule';
import { failure } from '../host/asyncAction.svelte';
import { toasts } from '../shell/toasts.svelte';
import { change, remove, restore } from './requests';
import { sentenceOf } from './rules';

/** What takes a change back; `null` where that would leave something wider than it was. */
export type WayBack = (() => Promise<unknown>) | null;

/** After a rule was set: `before` is what it replaced. */
export function backFromSet(made: RuleView, before: RuleView | null): WayBack {
  if (before === null) return () => remove(made.rule.id);
  // One given for another definition would come back for this one.
  return before.stale ? null : () => change(made.rule.id, asBefore(before));
}

/** After a rule was changed. */
export function backFromChange(made: RuleView, before: RuleView, now: number): WayBack {
  const { session, expires_at } = before.rule;
  // A session can't be set again, and what has ended stays ended.
  const over = expires_at !== null && Date.parse(expires_at) <= now;
  if (before.stale || over || (session && !made.rule.session)) return null;
  return () => change(made.rule.id, asBefore(before));
}

/** Says what is so now. */
export function fromNowOn(made: RuleView, now: number): string {
  return `From now on: ${sentenceOf(made, now)}.`;
}

/** How taking something back failed, for people. */
export function notUndone(error: unknown): string {
  const { status, message } = failure(error);
  return status === 409 ? 'The tool changed. The rule was not brought back.' : message;
}

/** A note with a way back, for as long as it is shown. */
export function told(text: string, back: WayBack): void {
  if (back === null) {
    toasts.show({ text });
    return;
  }
  const run = () => {
    back().then(
      () => toasts.show({ text: 'Undone.' }),
      (error: unknown) => toasts.show({ text: notUndone(error) }),
    );
  };
  toasts.show({ text, action: { label: 'Undo', run } });
}

/** Removes a rule, and offers to bring it back. */
export async function removeWithUndo({ rule }: RuleView): Promise<void> {
  try {
    await remove(rule.id);
  } catch (error) {
    toasts.show({ text: failure(error).message });
    return;
  }
  told('The rule was removed.', () => restore(rule.id));
}

function asBefore({ rule }: RuleView): ChangeRule {
  const back: ChangeRule = {
    mode: rule.mode,
    expires_at: rule.expires_at ?? 'never',
    agent: rule.agent ?? 'every',
  };
  if (rule.digest !== null) back.digest = rule.digest;
  return back;
}
