import { describe, expect, it } from 'vitest';
import type { FileState } from '../bindings/FileState';
import type { FileView } from '../bindings/FileView';
import type { ServerView } from '../bindings/ServerView';
import {
  bypassing,
  connectedWords,
  clientStatus,
  fileStatus,
  mainFile,
  offers,
  otherProblems,
  seenAt,
  serverWords,
  waits,
} from './status';

const at = (hour: number, minute: number, day = 20) => new Date(2026, 10, day, hour, minute).toISOString();
const NOW = new Date(2026, 10, 20, 14, 30).getTime();

const server = (name: string, more: Partial<ServerView> = {}): ServerView => ({
  name,
  summary: name,
  disabled: false,
  ours: false,
  same_as: [],
  ...more,
});
const readable = (...servers: ServerView[]): FileState => ({ state: 'readable', servers });
const broken: FileState = { state: 'broken', line: 3, column: 7, message: 'a comma is missing' };
const file = (more: Partial<FileView> = {}): FileView => ({
  path: '/home/me/.cursor/mcp.json',
  scope: 'user',
  state: readable(),
  can_restore: false,
  ...more,
});
const connected = { via: 'http', current: true, agent: '0190-a' } as const;
const used = { ...connected, first_call_at: at(14, 3), last_used_at: at(14, 20) };

describe('a file', () => {
  it('stands in words', () => {
    for (const [view, word, tone] of [
      [file(), 'Not connected', 'quiet'],
      [file({ state: { state: 'missing' } }), 'Not connected', 'quiet'],
      [file({ connected }), 'Connected, never used', 'busy'],
      [
        file({ connected: { ...connected, last_used_at: at(14, 3), tools_listed: 12 } }),
        'Connected, 12 tools listed',
        'good',
      ],
      [file({ connected: used }), /^Connected: first call seen at \d+:03/, 'good'],
      [file({ connected: { ...used, current: false } }), 'Leads to another gateway', 'warn'],
      [file({ connected: { via: 'bridge', current: true } }), 'Its key is no longer good', 'warn'],
      [
        file({
          connected: { via: 'oauth', current: true, sign_in: { signed_in: false, sentence: 'Sign in.' } },
        }),
        'Connected, not signed in yet',
        'busy',
      ],
      [
        file({ connected: { ...used, via: 'oauth', sign_in: { signed_in: true, sentence: 'Signed in.' } } }),
        /^Connected: first call seen at \d+:03/,
        'good',
      ],
      // Its key is in no file, so its agent is unknown.
      [file({ connected: { via: 'http_environment', current: true } }), 'Connected, never used', 'busy'],
      [file({ state: broken, connected: used }), 'Does not parse: line 3, column 7', 'bad'],
      [file({ state: { state: 'unreadable', message: 'permission denied' } }), 'Can’t be read', 'bad'],
    ] as const) {
      const status = fileStatus(view, NOW);
      expect(status.word).toMatch(typeof word === 'string' ? new RegExp(`^${word}$`) : word);
      expect(status.tone, status.word).toBe(tone);
    }
    expect(fileStatus(file({ connected }), NOW).detail).toBe('Waiting for its first call.');
    expect(fileStatus(file({ connected: used }), NOW).detail).toBe('Last used 10 min ago.');
    expect(fileStatus(file({ state: broken }), NOW).detail).toBe('a comma is missing');
  });

  it('was seen at an hour, or on a day', () => {
    expect(seenAt(at(14, 3), NOW)).toMatch(/^at /);
    expect(seenAt(at(14, 3, 19), NOW)).toMatch(/^on .*19/);
  });

  it('is waited for until its first call', () => {
    expect(waits(file({ connected }))).toBe(true);
    for (const view of [
      file(),
      file({ connected: used }),
      file({ connected: { ...connected, current: false } }),
    ]) {
      expect(waits(view)).toBe(false);
    }
  });

  it('offers what can be done with it, the nearest first', () => {
    const own = readable(server('agentport', { ours: true }), server('github'));
    const just = readable(server('agentport', { ours: true }));
    for (const [view, what] of [
      [file(), ['connect']],
      [file({ state: { state: 'missing' } }), ['connect']],
      [file({ state: readable(server('github')) }), ['connect', 'consolidate']],
      [file({ state: own, connected: used, can_restore: true }), ['consolidate', 'disconnect', 'restore']],
      [file({ state: just, connected: used }), ['disconnect']],
      [file({ state: just, connected: { ...used, current: false } }), ['connect', 'disconnect']],
      [file({ state: just, connected: { via: 'http', current: true } }), ['connect', 'disconnect']],
      [file({ state: broken }), []],
      [file({ state: broken, can_restore: true }), ['restore']],
    ] as const) {
      expect(offers(view)).toEqual(what);
    }
  });
});

describe('a client', () => {
  it('is spoken of by the file that says most', () => {
    const plain = file({ path: '/plain' });
    const lost = file({ path: '/lost', state: broken });
    const away = file({ path: '/away', connected: { ...used, current: false } });
    const good = file({ path: '/good', connected: used });
    for (const [files, path] of [
      [[plain, lost, away, good], '/good'],
      [[plain, lost, away], '/away'],
      // What can be connected goes before what can't, and what is for all before what is for one project.
      [[lost, plain], '/plain'],
      [[file({ path: '/gone', state: { state: 'missing' } }), lost], '/lost'],
      [[file({ path: '/gone', state: { state: 'missing' } }), { ...lost, scope: 'project' }], '/gone'],
      [[file({ path: '/gone', state: { state: 'missing' } }), plain], '/plain'],
    ] as const) {
      expect(mainFile(files)?.path).toBe(path);
    }
    expect(mainFile([])).toBe(null);
    expect(clientStatus({ files: [] }, NOW)).toBe(null);
    expect(clientStatus({ files: [plain, good] }, NOW)?.tone).toBe('good');
    expect(otherProblems({ files: [good, lost] })).toEqual([lost]);
    expect(otherProblems({ files: [lost] })).toEqual([]);
  });

  it('says how many servers it has, and which are elsewhere too', () => {
    const shared = server('github', { same_as: ['Cursor: github'] });
    for (const [servers, words] of [
      [[], ''],
      [[server('a')], '1 server'],
      [[server('a'), shared], '2 servers, 1 of them elsewhere too'],
      [[shared], '1 server, elsewhere too'],
    ] as const) {
      expect(serverWords(servers)).toBe(words);
    }
  });
});

it('servers that bypass AgentPort are those of a connected client that are on and not ours', () => {
  const servers = readable(
    server('agentport', { ours: true }),
    server('github'),
    server('old', { disabled: true }),
  );
  expect(bypassing(file({ connected, state: servers })).map(({ name }) => name)).toEqual(['github']);
  expect(bypassing(file({ state: servers }))).toEqual([]);
});

it('a handshake counts as connected', () => {
  expect(connectedWords('Cursor', 12)).toBe('Cursor is connected, 12 tools listed.');
  expect(connectedWords('Cursor', undefined)).toBe('Cursor is connected.');
});
