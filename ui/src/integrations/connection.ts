/** From what the owner filled in to what the gateway is told: headers, secrets, an id. */
import type { ChangeEnvironment } from '../bindings/ChangeEnvironment';
import type { Connection } from '../bindings/Connection';
import type { TokenPlace } from '../bindings/TokenPlace';
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

/** Where most servers want their token. */
export const BEARER: TokenPlace = { header: 'Authorization', format: 'Bearer {token}' };

/** The header for a token, with the scheme before it unless it has one already. */
export function tokenEntry({ header, format }: TokenPlace, token: string): Entry {
  const text = token.trim();
  const value = SCHEME.test(text) ? text : format.replace('{token}', () => text);
  return { name: header, value, secret: true };
}

/** Why a remote server can't be added yet; `null` once it can. */
export function missing(url: string): string | null {
  return url.trim() === '' ? 'Enter the URL of the server.' : null;
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

/** The variables of a local server; those in the vault without their values. */
export function variables(connection: Connection): Entry[] {
  if (connection.type !== 'local_mcp') return [];
  const shown = Object.entries(connection.env).map(([name, value = '']) => ({ name, value, secret: false }));
  return [...shown, ...connection.secret_env.map((name) => ({ name, value: '', secret: true }))];
}

/** What makes the variables `before` those of `after`; `null` where that is nothing, or not enough is filled in. */
export function environmentChange(
  before: readonly Entry[],
  after: readonly Entry[],
): ChangeEnvironment | null {
  const named = after
    .map((entry) => ({ ...entry, name: entry.name.trim() }))
    .filter(({ name }) => name !== '');
  const names = new Set(named.map(({ name }) => name));
  if (names.size < named.length) return null;
  const unset = before.map(({ name }) => name).filter((name) => !names.has(name));
  const set: Record<string, string> = {};
  const set_secret: Record<string, string> = {};
  for (const { name, value, secret } of named) {
    const there = before.find((entry) => entry.name === name);
    if (secret) {
      if (value !== '') set_secret[name] = value;
      else if (!there?.secret) return null;
    } else if (there?.secret !== false || there.value !== value) {
      // What was secret is not shown because of an empty field.
      if (there?.secret && value === '') return null;
      set[name] = value;
    }
  }
  const nothing = unset.length + Object.keys(set).length + Object.keys(set_secret).length === 0;
  return nothing ? null : { set, set_secret, unset };
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

/** An id for a server of which only the address is known: what its host is called, without what all hosts are called. */
export function idFromUrl(url: string): string {
  if (!URL.canParse(url)) return '';
  const labels = new URL(url).hostname.split('.').filter((label) => !/^(mcp|api|www)$/.test(label));
  const telling = /^[\d.]+$|:/.test(labels.join('.')) ? [] : labels.length > 1 ? labels.slice(0, -1) : labels;
  return suggestId(telling.at(-1) ?? '') || 'server';
}

/** What an integration might be called, from its command; empty where that does not tell. */
export function suggestName(words: readonly string[]): string {
  const [program = '', ...args] = words;
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
  if (connection.type === 'local_mcp') return join([connection.command, ...maskedArgs(connection)]);
  return 'url' in connection ? connection.url : 'Part of AgentPort';
}

export const KINDS: Record<Connection['type'], string> = {
  local_mcp: 'Local',
  remote_mcp: 'Remote',
  builtin: 'Built in',
};
