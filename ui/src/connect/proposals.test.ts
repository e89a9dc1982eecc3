import { expect, it } from 'vitest';
import type { Imported } from '../bindings/Imported';
import type { KeyView } from '../bindings/KeyView';
import type { ToolView } from '../bindings/ToolView';
import { verdict } from './backups';
import { agentsOf, proposed, proposes, rulesFor } from './proposals';

const NOW = Date.parse('2026-11-20T14:00:00Z');
const from = (more: Partial<Imported>): Imported => ({
  from: 'Cursor',
  auto_approve: [],
  auto_approve_all: false,
  extra: {},
  ...more,
});
const tool = (name: string, mode: ToolView['mode'] = 'require_approval') =>
  ({ name, mode, digest: `digest of ${name}` }) as ToolView;
const key = (name: string, revoked_at: string | null = null) =>
  ({ id: name, name, revoked_at, expires_at: null }) as KeyView;

it('proposes what the client ran without asking, and nothing that runs already', () => {
  const tools = [tool('read'), tool('write'), tool('list', 'allow')];
  expect(
    [undefined, null, from({}), from({ auto_approve: ['a'] }), from({ auto_approve_all: true })].map(
      proposes,
    ),
  ).toEqual([false, false, false, true, true]);
  const some = proposed(from({ auto_approve: ['read', 'list', 'gone'] }), tools);
  expect([some.tools.map(({ name }) => name), some.unknown]).toEqual([['read'], ['gone']]);
  expect(proposed(from({ auto_approve_all: true }), tools).tools.map(({ name }) => name)).toEqual([
    'read',
    'write',
  ]);
});

it('makes rules of what is ticked alone, for the definition in view', () => {
  const tools = [tool('read'), tool('write')];
  expect(rulesFor('files', tools, new Set(), null)).toEqual([]);
  expect(rulesFor('files', tools, new Set(['write', 'gone']), '0190-a')).toEqual([
    { integration: 'files', tool: 'write', mode: 'allow', digest: 'digest of write', agent: '0190-a' },
  ]);
  expect(rulesFor('files', tools, new Set(['read']), null)[0]).not.toHaveProperty('agent');
});

it('knows the agents a client is here', () => {
  const keys = [
    key('Cursor Nightly'),
    key('Cursor', '2026-01-01T00:00:00Z'),
    key('Cursor 2'),
    key('Cursor (website)'),
    key('Cursor (website) 3'),
    key('Claude Code'),
  ];
  expect(agentsOf('Cursor', keys, NOW).map(({ name }) => name)).toEqual([
    'Cursor 2',
    'Cursor (website)',
    'Cursor (website) 3',
  ]);
});

it('says whether the kept copies are what they were', () => {
  expect(verdict([{ intact: true }, { intact: true }])).toEqual({
    good: true,
    text: 'Intact: 2 copies, none missing or changed.',
  });
  expect(verdict([{ intact: true }, { intact: false }])).toEqual({
    good: false,
    text: '1 copy of 2 is missing or not what it was.',
  });
  expect(verdict([{ intact: false }, { intact: false }]).text).toBe(
    '2 copies of 2 are missing or not what they were.',
  );
});
