/** Which account of an integration each agent and each profile uses. Pure. */
import type { AccountView } from '../bindings/AccountView';
import type { ChosenAccounts } from '../bindings/ChosenAccounts';
import type { KeyView } from '../bindings/KeyView';

export type ChoiceFor = 'agents' | 'profiles';

/** With this account chosen for an agent or a profile; `null` takes the choice back. */
export function withChoice(
  chosen: ChosenAccounts,
  kind: ChoiceFor,
  key: string,
  account: string | null,
): ChosenAccounts {
  const { [key]: _, ...others } = chosen[kind];
  return { ...chosen, [kind]: account === null ? others : { ...others, [key]: account } };
}

/** What is used where nothing is chosen: of a profile, or of an agent without one. */
export function defaultWords(accounts: readonly AccountView[]): string {
  const label = accounts.find(({ is_default }) => is_default)?.label;
  return label === undefined ? 'The default' : `The default (${label})`;
}

/** What an agent uses where nothing is chosen for it: what its profile uses, or the default. */
export function inheritedWords(
  agent: Pick<KeyView, 'profile'>,
  chosen: ChosenAccounts,
  accounts: readonly AccountView[],
): string {
  const ofProfile = agent.profile === null ? undefined : chosen.profiles[agent.profile];
  const label = accounts.find(({ id }) => id === ofProfile)?.label;
  return label === undefined ? defaultWords(accounts) : `As its profile (${label})`;
}
