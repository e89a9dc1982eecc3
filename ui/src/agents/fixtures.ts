/** An agent, for tests: with a key, unless a sign-in is given. */
import type { AgentSignIn } from '../bindings/AgentSignIn';
import type { KeyView } from '../bindings/KeyView';

export function agent(change: Partial<KeyView> = {}): KeyView {
  return {
    id: '01a1f959-a065-76d7-bd07-68b8fab13fb6',
    name: 'Cursor',
    prefix: change.oauth === undefined ? 'ap_012345678' : '',
    profile: null,
    created_at: '2026-01-31T11:00:00Z',
    expires_at: null,
    revoked_at: null,
    last_used_at: null,
    first_call_at: null,
    client: null,
    trusted_until: null,
    ...change,
  };
}

export function signIn(change: Partial<AgentSignIn> = {}): AgentSignIn {
  return {
    client_name: 'Cursor',
    redirect: { kind: 'app', scheme: 'cursor' },
    valid: 1,
    granted_at: '2026-01-31T11:00:00Z',
    refreshed_at: '2026-01-31T11:50:00Z',
    expires_at: '2026-03-02T11:50:00Z',
    remote: false,
    ...change,
  };
}
