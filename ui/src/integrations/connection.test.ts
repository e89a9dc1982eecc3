import { describe, expect, it } from 'vitest';
import {
  address,
  BEARER,
  environment,
  environmentChange,
  headers,
  idFromUrl,
  missing,
  secrets,
  suggestId,
  suggestName,
  tokenEntry,
  variables,
} from './connection';

describe('headers', () => {
  it('puts one secret in {token} and keeps its scheme readable', () => {
    expect(headers([{ name: ' Authorization ', value: 'Bearer s3cret', secret: true }])).toEqual({
      headers: { Authorization: 'Bearer {token}' },
      secrets: { token: 's3cret' },
    });
  });

  it('numbers several secrets, and leaves plain headers and empty rows alone', () => {
    expect(
      headers([
        { name: 'X-Api-Key', value: 'one', secret: true },
        { name: '', value: 'lost', secret: true },
        { name: 'X-Team', value: 'core', secret: false },
        { name: 'X-App-Key', value: 'two', secret: true },
      ]),
    ).toEqual({
      headers: { 'X-Api-Key': '{token1}', 'X-Team': 'core', 'X-App-Key': '{token2}' },
      secrets: { token1: 'one', token2: 'two' },
    });
  });
});

describe('environment', () => {
  it('tells secrets from the rest', () => {
    expect(
      environment([
        { name: 'API_KEY', value: 'x', secret: true },
        { name: 'LEVEL', value: 'debug', secret: false },
        { name: ' ', value: 'lost', secret: false },
      ]),
    ).toEqual({ env: { LEVEL: 'debug' }, secret_env: ['API_KEY'], secrets: { API_KEY: 'x' } });
  });
});

describe('a change of the environment', () => {
  const plain = (name: string, value: string) => ({ name, value, secret: false });
  const secret = (name: string, value = '') => ({ name, value, secret: true });
  const server = {
    type: 'local_mcp' as const,
    command: 'notes',
    args: [],
    env: { MODE: 'fast' },
    secret_env: ['KEY'],
    cwd: null,
  };
  const before = variables(server);

  it('begins with what there is, without the secrets', () => {
    expect(before).toEqual([plain('MODE', 'fast'), secret('KEY')]);
    expect(variables({ type: 'builtin', name: 'demo' })).toEqual([]);
  });

  it('names only what is other than before', () => {
    for (const [after, want] of [
      [before, null],
      [[...before, plain(' ', 'lost')], null],
      [[plain('MODE', 'slow'), secret('KEY')], { set: { MODE: 'slow' }, set_secret: {}, unset: [] }],
      [[plain('MODE', 'fast')], { set: {}, set_secret: {}, unset: ['KEY'] }],
      [[secret('MODE', 's'), secret('KEY')], { set: {}, set_secret: { MODE: 's' }, unset: [] }],
      [[plain('MODE', 'fast'), secret('KEY', 'n')], { set: {}, set_secret: { KEY: 'n' }, unset: [] }],
      [[...before, secret('B', 'x')], { set: {}, set_secret: { B: 'x' }, unset: [] }],
    ] as const) {
      expect(environmentChange(before, after), JSON.stringify(after)).toEqual(want);
    }
  });

  it('waits for what is missing', () => {
    for (const after of [
      [...before, secret('B')],
      [...before, plain('KEY', 'twice')],
      [plain('MODE', 'fast'), plain('KEY', '')],
      [secret('MODE'), secret('KEY')],
    ]) {
      expect(environmentChange(before, after), JSON.stringify(after)).toBeNull();
    }
  });
});

describe('secrets', () => {
  it('of a local server are its variables', () => {
    const connection = { command: 'x', args: [], env: { LEVEL: '{token}' }, cwd: null };
    expect(secrets({ type: 'local_mcp', ...connection, secret_env: ['A', 'B'] })).toEqual([
      { name: 'A', where: null },
      { name: 'B', where: null },
    ]);
  });

  it('may stand in its arguments, and only in those that say so', () => {
    const server = {
      type: 'local_mcp' as const,
      command: 'notes',
      args: ['--template={token}', '--key={token1}', '{token2}'],
      env: {},
      secret_env: ['A'],
      cwd: null,
      secret_args: [1, 2],
    };
    expect(secrets(server)).toEqual([
      { name: 'A', where: null },
      { name: 'token1', where: 'argument 2: --key=••••••••' },
      { name: 'token2', where: 'argument 3: ••••••••' },
    ]);
    expect(address(server)).toContain('--template={token}');
    expect(address(server)).toContain("'--key=••••••••' '••••••••'");
  });

  it('of a remote one stand in its headers and its URL', () => {
    expect(
      secrets({
        type: 'remote_mcp',
        url: 'https://example.com/{token2}/mcp?user={user}',
        headers: { Authorization: 'Bearer {token1}', 'X-Both': '{token1}:{token3}', 'X-Team': 'core' },
      }),
    ).toEqual([
      { name: 'token1', where: 'Authorization: Bearer ••••••••' },
      { name: 'token3', where: 'X-Both: ••••••••:••••••••' },
      { name: 'token2', where: 'https://example.com/••••••••/mcp?user={user}' },
    ]);
  });

  it('may be none', () => {
    expect(secrets({ type: 'builtin', name: 'demo' })).toEqual([]);
    expect(secrets({ type: 'remote_mcp', url: 'https://example.com', headers: {} })).toEqual([]);
  });
});

describe('suggestions', () => {
  it('makes ids the gateway takes', () => {
    for (const [name, id] of [
      ['My Files', 'my-files'],
      ['  Café 2026! ', 'cafe-2026'],
      ['42 things', 'things'],
      ['AgentPort notes', 'my-agentport-notes'],
      ['a'.repeat(40), 'a'.repeat(32)],
      ['日本', ''],
    ] as const) {
      expect(suggestId(name), name).toBe(id);
    }
  });

  it('finds a name', () => {
    for (const [words, name] of [
      [['npx', '-y', '@modelcontextprotocol/server-filesystem@1.2', '/tmp'], 'Filesystem'],
      [['uvx', 'mcp-server-git'], 'Git'],
      [['/opt/bin/notes-mcp', '--all'], 'Notes'],
      [['node', '/srv/server-memory/dist/index.js'], 'Memory'],
      [['python3', 'tool.py'], 'Tool'],
      [['node', 'index.js'], ''],
    ] as const) {
      expect(suggestName(words), words.join(' ')).toBe(name);
    }
  });
});

describe('a token', () => {
  it('gets Bearer before it, unless it has a scheme', () => {
    for (const [token, value] of [
      [' ghp_1 ', 'Bearer ghp_1'],
      ['Bearer ghp_1', 'Bearer ghp_1'],
      ['Basic dXNlcg==', 'Basic dXNlcg=='],
    ] as const) {
      expect(tokenEntry(BEARER, token)).toEqual({ name: 'Authorization', value, secret: true });
    }
    expect(headers([tokenEntry(BEARER, 'ghp_1')])).toEqual({
      headers: { Authorization: 'Bearer {token}' },
      secrets: { token: 'ghp_1' },
    });
    expect(headers([tokenEntry({ header: 'x-api-key', format: '{token}' }, ' $&1 ')])).toEqual({
      headers: { 'x-api-key': '{token}' },
      secrets: { token: '$&1' },
    });
  });
});

it('says what is missing before a server can be added', () => {
  expect(missing(' ')).toBe('Enter the URL of the server.');
  expect(missing('http://127.0.0.1:9/mcp')).toBeNull();
});

it('makes an id of an address', () => {
  for (const [url, id] of [
    ['https://mcp.notion.com/mcp', 'notion'],
    ['https://tools.example.co/mcp', 'example'],
    ['https://example.com', 'example'],
    ['http://localhost:8080/mcp', 'localhost'],
    ['http://127.0.0.1:8080/mcp', 'server'],
    ['http://[::1]:8080/mcp', 'server'],
    ['https://mcp.agentport.dev/', 'my-agentport'],
    ['nonsense', ''],
  ] as const) {
    expect(idFromUrl(url), url).toBe(id);
  }
});
