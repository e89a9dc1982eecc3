/**
 * What the owner reads about accounts and about signing in to them: one place for every page. Pure. The command line
 * has the same words in `agentport-cli`, `format.rs` and `commands/integrations/sign_in.rs`.
 */
import type { AccountState } from '../bindings/AccountState';
import type { AccountView } from '../bindings/AccountView';
import type { ClientSource } from '../bindings/ClientSource';
import type { SignInState } from '../bindings/SignInState';
import type { Tone } from './labels';
import { ago, ahead } from './time';

export interface AccountWords {
  word: string;
  tone: Tone;
  /** What there is to say beside the word; `null` where the word says it all. */
  detail: string | null;
}

export function accountWords(state: AccountState, now: number): AccountWords {
  switch (state.state) {
    case 'connected':
      return { word: 'Connected', tone: 'good', detail: null };
    case 'expires': {
      const over = Date.parse(state.at) <= now;
      return { word: over ? 'Expired' : `Expires ${ahead(state.at, now)}`, tone: 'warn', detail: null };
    }
    case 'sign_in_needed':
      return { word: 'Sign-in needed', tone: 'warn', detail: state.message };
    case 'unreachable': {
      const again = state.retry_at === null ? '' : ` (tried again ${ahead(state.retry_at, now)})`;
      return { word: 'Unreachable', tone: 'bad', detail: state.message + again };
    }
  }
}

/** `Connected`, `Expires in 3 days`, `Sign-in needed: …`, `Unreachable: … (tried again in 4 min)`. */
export function accountSentence(state: AccountState, now: number): string {
  const { word, detail } = accountWords(state, now);
  return detail === null ? word : `${word}: ${detail}`;
}

/** Does the owner have to do something about it, now or before long? */
export const wantsSignIn = ({ state }: AccountState): boolean =>
  state === 'sign_in_needed' || state === 'expires';

/** When it was last renewed, and by whom it is renewed next. */
export function refreshWords(
  view: Pick<AccountView, 'auth_method' | 'created_at' | 'refreshed_at' | 'renews_itself' | 'state'>,
  now: number,
): string {
  if (view.auth_method !== 'oauth') return `Added ${ago(view.created_at, now)}`;
  const last =
    view.refreshed_at === null
      ? `Signed in ${ago(view.created_at, now)}`
      : `Renewed ${ago(view.refreshed_at, now)}`;
  // What has to be signed in again renews nothing.
  if (view.state.state === 'sign_in_needed') return last;
  return `${last}, ${view.renews_itself ? 'renews itself' : 'not renewed without you'}`;
}

export const CLIENT_SOURCES: Record<ClientSource, string> = {
  own: 'registered by you',
  metadata_document: 'a client metadata document',
  registered: 'registered by AgentPort',
};

/** How an account or an integration signs in. */
export function authMethodWords(method: string): string {
  switch (method) {
    case 'none':
      return 'Nothing';
    case 'token':
      return 'A token, in the vault';
    case 'oauth':
      return 'Your consent in the browser (OAuth)';
    default:
      return method;
  }
}

/** The label of the account a call uses, where the gateway names one. */
export function accountOf(view: { id: string; account?: string | null }): string | null {
  return view.account ?? null;
}

/** Where a sign-in is, as a sentence. */
export function signInSentence(state: SignInState, name: string): string {
  switch (state.state) {
    case 'discovering':
      return `Asking ${name} how to sign in…`;
    case 'registering':
      return `Registering AgentPort with the provider of ${name}…`;
    case 'client_needed':
      return `${name} wants a client of your own.`;
    case 'waiting_for_consent':
      return 'Waiting for your consent in the browser.';
    case 'exchanging':
      return 'Getting the tokens…';
    case 'connecting':
      return `Connecting ${name}…`;
    case 'done':
      return `You are signed in to ${name}.`;
    case 'failed':
      return state.message;
  }
}

/** Has it ended, well or not? One that wants a client goes on as another. */
export const signInIsOver = ({ state }: SignInState): boolean =>
  state === 'done' || state === 'failed' || state === 'client_needed';

export interface SignInStep {
  title: string;
  tone: Tone;
}

/** The steps of a sign-in that is under way: those behind it, the one it waits for, and those to come. */
export function signInSteps(state: SignInState): SignInStep[] {
  const at = ORDER.findIndex(({ states }) => states.includes(state.state));
  return ORDER.map(({ title }, nth) => ({
    title,
    tone: state.state === 'done' || nth < at ? 'good' : nth === at ? 'busy' : 'quiet',
  }));
}

const ORDER: readonly { title: string; states: readonly SignInState['state'][] }[] = [
  { title: 'Ask how to sign in', states: ['discovering', 'registering'] },
  { title: 'Your consent in the browser', states: ['waiting_for_consent'] },
  { title: 'Get the tokens', states: ['exchanging'] },
  { title: 'Connect', states: ['connecting'] },
];
