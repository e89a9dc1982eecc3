/** Plans for the tests beside. */
import type { ImportView } from '../bindings/ImportView';
import type { PlanView } from '../bindings/PlanView';

export const planned = (more: Partial<PlanView> = {}): PlanView => ({
  id: 'p1',
  what: 'connect',
  client: 'cursor',
  client_name: 'Cursor',
  files: [{ path: '/f', is_new: false, is_removed: false, diff: '@@ -1 +1 @@\n-a\n+b\n' }],
  imports: [],
  left: [],
  conflicts: [],
  removes: [],
  notes: [],
  is_empty: false,
  ...more,
});

export const imported = (server: string, more: Partial<ImportView> = {}): ImportView => ({
  server,
  id: server,
  summary: `npx ${server}`,
  command: 'npx',
  args: [server],
  env: [],
  merged: false,
  enabled: true,
  secrets: [],
  auto_approve: [],
  auto_approve_all: false,
  unknown: [],
  ...more,
});

export const taken = (server: string) => ({
  kind: 'name' as const,
  server,
  id: server,
  here: `npx ${server}`,
  there: 'https://example.com/mcp',
  suggestion: `${server}-2`,
});
