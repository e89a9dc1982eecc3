/** What the accounts page and the sign-ins ask of the gateway. */
import type { AccountView } from '../bindings/AccountView';
import type { AddAccount } from '../bindings/AddAccount';
import type { ChangeAccount } from '../bindings/ChangeAccount';
import type { ChosenAccounts } from '../bindings/ChosenAccounts';
import type { Items } from '../bindings/Items';
import type { PastedCallback } from '../bindings/PastedCallback';
import type { ReplaceCredentials } from '../bindings/ReplaceCredentials';
import type { SignInView } from '../bindings/SignInView';
import type { StartSignIn } from '../bindings/StartSignIn';
import { host } from '../host';
import {
  ACCOUNT,
  ACCOUNTS,
  ACCOUNT_CREDENTIALS,
  ACCOUNT_FORGET_REGISTRATION,
  INTEGRATION_ACCOUNTS,
  INTEGRATION_CHOSEN_ACCOUNTS,
  SIGN_IN,
  SIGN_INS,
  SIGN_IN_CALLBACK,
  fill,
} from '../host/paths';

const items = async <T>(path: string) => (await host.request<Items<T>>('GET', path)).items;

export const list = () => items<AccountView>(ACCOUNTS);
export const listOf = async (integration: string) =>
  (await list()).filter((account) => account.integration === integration);
export const change = (id: string, body: ChangeAccount) =>
  host.request<AccountView>('PATCH', fill(ACCOUNT, id), body);
/** One more account of a server that is given a token, which is tried first. */
export const addByToken = (integration: string, body: AddAccount) =>
  host.request<AccountView>('POST', fill(INTEGRATION_ACCOUNTS, integration), body);
export const replaceTokens = (id: string, body: ReplaceCredentials) =>
  host.request<AccountView>('PUT', fill(ACCOUNT_CREDENTIALS, id), body);
/** Revokes its tokens at the provider, where that is offered, and forgets them. */
export const disconnect = (id: string) => host.request('DELETE', fill(ACCOUNT, id));
export const forgetRegistration = (id: string) => host.request('POST', fill(ACCOUNT_FORGET_REGISTRATION, id));
export const chosen = (integration: string) =>
  host.request<ChosenAccounts>('GET', fill(INTEGRATION_CHOSEN_ACCOUNTS, integration));
export const choose = (integration: string, body: ChosenAccounts) =>
  host.request<ChosenAccounts>('PUT', fill(INTEGRATION_CHOSEN_ACCOUNTS, integration), body);

/** Those under way. */
export const signIns = () => items<SignInView>(SIGN_INS);
export const startSignIn = (body: StartSignIn) => host.request<SignInView>('POST', SIGN_INS, body);
export const readSignIn = (id: string) => host.request<SignInView>('GET', fill(SIGN_IN, id));
export const endSignIn = (id: string) => host.request('DELETE', fill(SIGN_IN, id));
export const pasteCallback = (id: string, body: PastedCallback) =>
  host.request<SignInView>('POST', fill(SIGN_IN_CALLBACK, id), body);
