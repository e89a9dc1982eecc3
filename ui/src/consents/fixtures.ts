/** A request to be let in, for tests. */
import type { ConsentView } from '../bindings/ConsentView';

export function consent(change: Partial<ConsentView> = {}): ConsentView {
  return {
    id: '01a1f959-a065-76d7-bd07-68b8fab13fb5',
    state: 'waiting',
    code: '4731',
    client_name: 'Cursor',
    client_uri: null,
    redirect: { kind: 'app', scheme: 'cursor' },
    redirect_uri: 'cursor://anysphere.cursor-mcp/oauth/callback',
    remote: false,
    suggested_name: 'Cursor',
    known_as: null,
    created_at: '2026-01-31T12:00:00Z',
    expires_at: '2026-01-31T12:05:00Z',
    ...change,
  };
}
