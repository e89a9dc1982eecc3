/** From what the owner filled in to what the gateway is told: headers, secrets, an id. */
import type { Connection } from '../bindings/Connection';
import { join } from './command';

/** A header or variable as it stands in the form. */
export interface Entry {
  name: string;
  value: string;
  secret: boolean;
}

export const emptyEntry = (): Entry => ({ name: '', value: '', secret: true });

/** An `Authorization` value keeps its scheme readable; only what follows is the secret. */
const SCHEME = /^(Bearer|Token|Basic|ApiKey)\s+(.+)$/i;

/** Headers with `{token}` (or `{token1}`, `{token2}` …) in the place of each secret, and the secrets. */
export function headers(entries: readonly Entry[]): {
  headers: Record<string, string>;
  secrets: Record<string, string>;
} {
  const filled = entries.filter(({ name, value }) => name.trim() !== '' && value !== '');
  const several = filled.filter(({ secret }) => secret).length > 1;
  const result = { headers: {} as Record<string, string>, secrets: {} as Record<string, string> };
  let nth = 0;
  for (const { name, value, secret } of filled) {
    if (!secret) {
      result.headers[name.trim()] = value;
      continue;
    }
    nth += 1;
    const slot = several ? `token${nth}` : 'token';
    const [, scheme, rest] = SCHEME.exec(value.trim()) ?? [];
    result.headers[name.trim()] = scheme === undefined ? `{${slot}}` : `${scheme} {${slot}}`;
    result.secrets[slot] = rest ?? value.trim();
  }
  return result;
}

/** The header for a token, with `Bearer` before it unless it has a scheme already. */
export function bearer(token: string): Entry {
  const value = token.trim();
  return { name: 'Authorization', value: SCHEME.test(value) ? value : `Bearer ${value}`, secret: true };
}

/** Why a remote server can't be added yet; `null` once it can. */
export function missing(url: string, id: string): string | null {
  if (url.trim() === '') return 'Enter the URL of the server.';
  return id === '' ? 'Enter an id for it.' : null;
}

/** The environment a local server gets beside the cleaned one, and what of it is secret. */
export function environment(entries: readonly Entry[]): {
  env: Record<string, string>;
  secret_env: string[];
  secrets: Record<string, string>;
} {
  const filled = entries.filter(({ name }) => name.trim() !== '');
  const pairs = (secret: boolean) =>
    Object.fromEntries(filled.filter((e) => e.secret === secret).map((e) => [e.name.trim(), e.value]));
  const secrets = pairs(true);
  return { env: pairs(false), secret_env: Object.keys(secrets), secrets };
}

/** Where a secret goes in a header or a URL. */
const PLACE = /\{(token[0-9A-Za-z]*)\}/g;

export interface SecretPlace {
  /** What the gateway calls it. */
  name: string;
  /** Where it goes, with the secrets themselves as dots; `null` for a variable, which is its name. */
  where: string | null;
}

/** The secrets of a connection, each once, in the order of their places. */
export function secrets(connection: Connection): SecretPlace[] {
  if (connection.type === 'builtin') return [];
  const found = new Map<string, string | null>();
  const look = (text: string, where: string) => {
    for (const [, name = ''] of text.matchAll(PLACE)) if (!found.has(name)) found.set(name, where);
  };
  if (connection.type === 'local_mcp') {
    for (const name of connection.secret_env) found.set(name, null);
    for (const at of connection.secret_args ?? []) {
      const arg = connection.args[at] ?? '';
      look(arg, `argument ${at + 1}: ${masked(arg)}`);
    }
    return [...found].map(([name, where]) => ({ name, where }));
  }
  for (const [header, value = ''] of Object.entries(connection.headers)) {
    look(value, `${header}: ${masked(value)}`);
  }
  look(connection.url, masked(connection.url));
  return [...found].map(([name, where]) => ({ name, where }));
}

/** A header's value or a URL with dots in the place of each secret. */
export function masked(text: string): string {
  return text.replace(PLACE, '••••••••');
}

/** Braces are braces in an argument, unless a secret's place is in it. */
function maskedArgs({ args, secret_args = [] }: Extract<Connection, { type: 'local_mcp' }>): string[] {
  return args.map((arg, at) => (secret_args.includes(at) ? masked(arg) : arg));
}

/** An id the gateway takes (1–32 of `a-z0-9-_`, beginning with a letter), made from a name. */
export function suggestId(name: string): string {
  const id = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 32)
    .replace(/-+$/, '');
  return id.startsWith('agentport') ? `my-${id}`.slice(0, 32) : id;
}

/** A host that tells nothing of the server: this computer, or an IP address. */
const NAMELESS_HOST = /^(?:localhost|[\d.]+|\[.*\])$/;

/** What an integration might be called, from its URL or its command; empty where they don't tell. */
export function suggestName(connection: { url: string } | { words: readonly string[] }): string {
  if ('url' in connection) {
    try {
      const { hostname } = new URL(connection.url);
      if (NAMELESS_HOST.test(hostname)) return '';
      const labels = hostname.split('.').filter((label) => !/^(mcp|www|api)$/.test(label));
      return capital(labels[0] ?? '');
    } catch {
      return '';
    }
  }
  const [program = '', ...args] = connection.words;
  const runner = /^(npx|bunx|uvx|pipx|node|python3?|docker|deno)$/.test(program);
  const told = runner ? (args.find((arg) => !arg.startsWith('-') && arg !== 'run') ?? program) : program;
  const parts = told.split('/').map((part) => part.replace(/(.)@.*$/, '$1').replace(/\.[a-z]+$/, ''));
  // A package is told apart by its name, and not by the file it begins with.
  const telling = parts.findLast((part) => part !== '' && !GENERIC.test(part)) ?? '';
  return capital(telling.replace(/^(mcp-server|server|mcp)-|-(mcp|server)$/g, ''));
}

const GENERIC = /^(index|main|cli|run|server|app|dist|build|out|src|lib|bin)$/i;

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Where an integration is reached, in one line. */
export function address(connection: Connection): string {
  switch (connection.type) {
    case 'local_mcp':
      return join([connection.command, ...maskedArgs(connection)]);
    case 'remote_mcp':
      return connection.url;
    case 'builtin':
      return 'Part of AgentPort';
  }
}

export const KINDS: Record<Connection['type'], string> = {
  local_mcp: 'Local',
  remote_mcp: 'Remote',
  builtin: 'Built in',
};
