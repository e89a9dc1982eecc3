/** Accounts and sign-ins for tests. */
import type { AccountView } from '../bindings/AccountView';
import type { SignInState } from '../bindings/SignInState';
import type { SignInView } from '../bindings/SignInView';

export const account = (over: Partial<AccountView> = {}): AccountView => ({
  id: 'a1',
  integration: 'notion',
  label: 'default',
  is_default: false,
  auth_method: 'oauth',
  state: { state: 'connected' },
  workspace: null,
  scopes: [],
  wanted_scopes: [],
  issuer: 'https://mcp.notion.com',
  client_id: 'client-1',
  client_source: 'registered',
  created_at: '2026-01-01T12:00:00Z',
  refreshed_at: null,
  expires_at: null,
  renews_itself: true,
  ...over,
});

export const signIn = (state: SignInState, over: Partial<SignInView> = {}): SignInView => ({
  id: 's1',
  integration: 'notion',
  name: 'Notion',
  account: null,
  state,
  redirect_uri: 'http://127.0.0.1:3118/callback',
  notes: [],
  expires_at: '2026-01-31T12:05:00Z',
  ...over,
});

export const WAITING: SignInState = {
  state: 'waiting_for_consent',
  authorization_url: 'https://auth.example.com/authorize?client_id=client-1',
};
