/** How a client stands, in words. Pure; `now` is in milliseconds since the epoch. */
import type { ClientView } from '../bindings/ClientView';
import type { FileView } from '../bindings/FileView';
import type { ServerView } from '../bindings/ServerView';
import type { PlanAction } from '../bindings/PlanAction';
import { count, type Tone } from '../format/labels';
import { ago, clockTime } from '../format/time';

export interface FileStatus {
  word: string;
  tone: Tone;
  /** What more there is to say. */
  detail: string | null;
}

type FileFacts = Pick<FileView, 'state' | 'connected'>;

/** `at 14:03`, or `on 30 Jan, 08:05` where that was another day. */
export function seenAt(at: string, now: number): string {
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return `${today ? 'at' : 'on'} ${clockTime(at, now)}`;
}

export function fileStatus({ state, connected }: FileFacts, now: number): FileStatus {
  if (state.state === 'broken') {
    return {
      word: `Does not parse: line ${state.line}, column ${state.column}`,
      tone: 'bad',
      detail: state.message,
    };
  }
  if (state.state === 'unreadable') return { word: 'Can’t be read', tone: 'bad', detail: state.message };
  if (connected === undefined) {
    const detail = state.state === 'missing' ? 'There is no such file yet. Connecting makes it.' : null;
    return { word: 'Not connected', tone: 'quiet', detail };
  }
  if (!connected.current) {
    return {
      word: 'Leads to another gateway',
      tone: 'warn',
      detail: 'Its entry points to another AgentPort, or to a port this one is not at.',
    };
  }
  if (connected.sign_in !== undefined && !connected.sign_in.signed_in) {
    return { word: 'Connected, not signed in yet', tone: 'busy', detail: connected.sign_in.sentence };
  }
  if (!keyIsGood(connected)) {
    return {
      word: 'Its key is no longer good',
      tone: 'warn',
      detail: 'The key was revoked or has expired. Connect it again for a new one.',
    };
  }
  const { first_call_at, last_used_at, tools_listed } = connected;
  if (first_call_at === undefined && last_used_at !== undefined) {
    const listed = tools_listed === undefined ? '' : `, ${count(tools_listed, 'tool')} listed`;
    return { word: `Connected${listed}`, tone: 'good', detail: 'It has called none of them yet.' };
  }
  if (first_call_at === undefined) {
    return { word: 'Connected, never used', tone: 'busy', detail: 'Waiting for its first call.' };
  }
  return {
    word: `Connected: first call seen ${seenAt(first_call_at, now)}`,
    tone: 'good',
    detail: last_used_at === undefined ? null : `Last used ${ago(last_used_at, now)}.`,
  };
}

/** `Cursor is connected, 12 tools listed.` An agent lists them in its handshake, before its first call. */
export function connectedWords(name: string, toolsListed: number | undefined): string {
  return `${name} is connected${toolsListed === undefined ? '' : `, ${count(toolsListed, 'tool')} listed`}.`;
}

/** It needs no key, or has one that is good. A key in an environment variable can't be read from the file. */
function keyIsGood({ agent, via, sign_in }: NonNullable<FileView['connected']>): boolean {
  return agent !== undefined || sign_in !== undefined || via === 'http_environment';
}

/** Is there something to wait for: an entry of ours through which nothing was called yet? */
export function waits({ connected }: Pick<FileView, 'connected'>): boolean {
  return connected !== undefined && connected.current && connected.first_call_at === undefined;
}

/** The file that says most about a client: one that is connected, one of the user's that can be, or its first. */
export function mainFile(files: readonly FileView[]): FileView | null {
  return (
    files.find(({ connected, state }) => connected?.current && state.state === 'readable') ??
    files.find(({ connected }) => connected !== undefined) ??
    files.find(({ scope, state }) => scope === 'user' && state.state === 'readable') ??
    files.find((file) => file.scope === 'user' && troubled(file)) ??
    files[0] ??
    null
  );
}

const troubled = ({ state }: FileView) => state.state === 'broken' || state.state === 'unreadable';

/** How a client stands as a whole; `null` where it has no file at all. */
export function clientStatus({ files }: Pick<ClientView, 'files'>, now: number): FileStatus | null {
  const main = mainFile(files);
  return main && fileStatus(main, now);
}

/** Files that can't be read, beside the one that is spoken of. */
export function otherProblems({ files }: Pick<ClientView, 'files'>): FileView[] {
  const main = mainFile(files);
  return files.filter((file) => file !== main && troubled(file));
}

export function serversOf({ state }: Pick<FileView, 'state'>): ServerView[] {
  return state.state === 'readable' ? state.servers : [];
}

/** Servers of the owner's own, over all files. */
export function othersOf(files: readonly Pick<FileView, 'state'>[]): ServerView[] {
  return files.flatMap(serversOf).filter(({ ours }) => !ours);
}

/** Servers that the client still reaches by itself, past AgentPort; none where it is not connected. */
export function bypassing({ state, connected }: Pick<FileView, 'state' | 'connected'>): ServerView[] {
  if (connected === undefined) return [];
  return serversOf({ state }).filter(({ ours, disabled }) => !ours && !disabled);
}

/** `5 servers, 2 of them elsewhere too`; empty where there is none. */
export function serverWords(servers: readonly Pick<ServerView, 'same_as'>[]): string {
  if (servers.length === 0) return '';
  const shared = servers.filter(({ same_as }) => same_as.length > 0).length;
  if (shared === 0) return count(servers.length, 'server');
  if (shared === servers.length) return `${count(shared, 'server')}, elsewhere too`;
  return `${count(servers.length, 'server')}, ${shared} of them elsewhere too`;
}

/** What can be done with a file, what suggests itself first. */
export function offers(file: FileView): PlanAction[] {
  const { state, connected, can_restore } = file;
  const back: PlanAction[] = can_restore ? ['restore'] : [];
  if (state.state === 'broken' || state.state === 'unreadable') return back;
  const along: PlanAction[] = othersOf([file]).length > 0 ? ['consolidate'] : [];
  if (connected === undefined) return ['connect', ...along, ...back];
  const good = connected.current && keyIsGood(connected);
  return [...(good ? [] : (['connect'] as const)), ...along, 'disconnect', ...back];
}
