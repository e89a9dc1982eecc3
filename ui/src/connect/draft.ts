/** What the owner wants, while it is being chosen, and what is asked of the gateway for it. Pure. */
import type { Choice } from '../bindings/Choice';
import type { OnConflict } from '../bindings/OnConflict';
import type { ConnectionMethod } from '../bindings/ConnectionMethod';
import type { PlanRequest } from '../bindings/PlanRequest';
import type { PlanAction } from '../bindings/PlanAction';

export interface Draft {
  what: PlanAction;
  /** The client's first user file, where it is `null`. */
  path: string | null;
  /** What suits the client best, where it is `null`. */
  via: ConnectionMethod | null;
  /** By the server's name. */
  choices: Readonly<Record<string, Choice>>;
  keep: readonly string[];
  /** Entries of `mcp-remote` that are to be started as before. */
  asProgram: readonly string[];
  removeIntegrations: boolean;
  onConflict: OnConflict | null;
}

export const draft = (what: PlanAction, path: string | null = null): Draft => ({
  what,
  path,
  via: null,
  choices: {},
  keep: [],
  asProgram: [],
  removeIntegrations: false,
  onConflict: null,
});

/** Names what is chosen, and nothing else. */
export function want(from: Draft): PlanRequest {
  const asked: PlanRequest = {
    what: from.what,
    choices: { ...from.choices },
    keep: [...from.keep],
    remove_integrations: from.removeIntegrations,
  };
  if (from.asProgram.length > 0) asked.as_program = [...from.asProgram];
  if (from.path !== null) asked.path = from.path;
  if (from.via !== null) asked.via = from.via;
  if (from.onConflict !== null) asked.on_conflict = from.onConflict;
  return asked;
}

export function choosing(from: Draft, server: string, choice: Choice): Draft {
  return { ...from, choices: { ...from.choices, [server]: choice } };
}

/** A server that stays in the client needs no choice any more. */
export function keeping(from: Draft, server: string, kept: boolean): Draft {
  const keep = from.keep.filter((name) => name !== server);
  if (!kept) return { ...from, keep };
  const choices = Object.fromEntries(Object.entries(from.choices).filter(([name]) => name !== server));
  return { ...from, keep: [...keep, server], choices };
}

/** Whether `mcp-remote` is started as before, or the server behind it is reached without. */
export function startingAsBefore(from: Draft, server: string, asBefore: boolean): Draft {
  const asProgram = from.asProgram.filter((name) => name !== server);
  return { ...from, asProgram: asBefore ? [...asProgram, server] : asProgram };
}

/** An id the gateway takes: 1–32 of `a-z0-9-_`, beginning with a letter, and none of AgentPort's own. */
export function isId(text: string): boolean {
  return /^[a-z][a-z0-9_-]{0,31}$/.test(text) && !text.startsWith('agentport');
}
