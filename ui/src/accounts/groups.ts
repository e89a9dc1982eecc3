/** Accounts by the integration they belong to, and what may be done with them. Pure. */
import type { AccountView } from '../bindings/AccountView';
import type { IntegrationView } from '../bindings/IntegrationView';
import { wantsSignIn } from '../format/accounts';
import { secrets, type SecretPlace } from '../integrations/connection';

export interface AccountGroup {
  integration: string;
  name: string;
  /** The owner can add one more account. */
  takesMore: boolean;
  /** The secrets of each account, where it is let in by those; absent where the owner signs in. */
  tokens?: readonly SecretPlace[];
  accounts: AccountView[];
}

/** Does it let accounts in by OAuth? */
export function signsIn(view: Pick<IntegrationView, 'connection'>): boolean {
  return view.connection.type === 'remote_mcp' && view.connection.oauth !== undefined;
}

/** The secrets of each of its accounts, if they are let in by those: a remote server that is given a token. */
export function tokensOf({ connection }: Pick<IntegrationView, 'connection'>): readonly SecretPlace[] {
  if (connection.type !== 'remote_mcp' || connection.oauth !== undefined) return [];
  return secrets(connection);
}

/** Can it have accounts? */
export const takesAccounts = (view: Pick<IntegrationView, 'connection'>): boolean =>
  signsIn(view) || tokensOf(view).length > 0;

/** May its server want a sign-in, although nobody has said so? Its client signed in by itself, where it came from. */
export function maySignIn({ connection }: Pick<IntegrationView, 'connection'>): boolean {
  if (connection.type !== 'remote_mcp') return false;
  const texts = [connection.url, ...Object.values(connection.headers)];
  const named = Object.keys(connection.headers).some((name) => name.toLowerCase() === 'authorization');
  return connection.oauth !== undefined || !(named || texts.some((text) => /\{token\w*\}/.test(text)));
}

/**
 * By the name of the integration, where one of its accounts needs the owner first. An integration that could have
 * accounts and has none is among them.
 */
export function groups(
  accounts: readonly AccountView[],
  integrations: readonly IntegrationView[],
): AccountGroup[] {
  const known = new Map(integrations.map((view) => [view.id, view]));
  const ids = new Set([...accounts.map(({ integration }) => integration)]);
  for (const view of integrations) if (takesAccounts(view)) ids.add(view.id);
  return [...ids]
    .map((id) => {
      const own = accounts.filter(({ integration }) => integration === id);
      const view = known.get(id);
      const takesMore = view ? takesAccounts(view) : false;
      const group = { integration: id, name: view?.name ?? id, takesMore, accounts: defaultFirst(own) };
      const tokens = view ? tokensOf(view) : [];
      return tokens.length > 0 ? { ...group, tokens } : group;
    })
    .toSorted(
      (a, b) =>
        Number(urgent(b)) - Number(urgent(a)) ||
        a.name.localeCompare(b.name, undefined, { sensitivity: 'base' }),
    );
}

const urgent = ({ accounts }: AccountGroup) =>
  accounts.some(({ state }) => wantsSignIn(state) || state.state === 'unreachable');

function defaultFirst(accounts: readonly AccountView[]): AccountView[] {
  return accounts.toSorted(
    (a, b) => Number(b.is_default) - Number(a.is_default) || a.label.localeCompare(b.label),
  );
}

/** What stops working once an account is disconnected, as a sentence. */
export function lossOf(account: AccountView, others: readonly AccountView[], name: string): string {
  if (others.length === 0) {
    const again = account.auth_method === 'oauth' ? 'you sign in again' : 'you give a token again';
    return `It is the only account of ${name}: its tools stop working until ${again}.`;
  }
  const next = others.length === 1 ? `“${others[0]?.label}”` : 'one of the others';
  const now = account.is_default ? `The default becomes ${next}. ` : '';
  return `${now}Agents and profiles for which it was chosen use the default of ${name} from then on.`;
}
