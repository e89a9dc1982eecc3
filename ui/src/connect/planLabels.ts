/** The words on a button that shows a plan, and on the one that carries it out. Pure. */
import type { Connected } from '../bindings/Connected';
import type { ConnectionMethod } from '../bindings/ConnectionMethod';
import type { PlanAction } from '../bindings/PlanAction';
import type { UnneededKey } from '../bindings/UnneededKey';

/** Shows the plan. */
export function offerWords(what: PlanAction, connected: Connected | undefined): string {
  switch (what) {
    case 'connect':
      if (connected === undefined) return 'Connect';
      return connected.current ? 'Connect again' : 'Connect to this gateway';
    case 'consolidate':
      return 'Put its servers behind AgentPort';
    case 'disconnect':
      return 'Disconnect';
    case 'restore':
      return 'Restore the original';
  }
}

/** Shows the plan that takes the key out of the file of a client that signs in by itself. */
export function replaceKeyWords({ signed_in_as }: UnneededKey): string {
  return signed_in_as === undefined ? 'Sign in instead' : 'Take the key out';
}

/** The heading over a plan. */
export function planTitle(what: PlanAction, client: string): string {
  switch (what) {
    case 'connect':
      return `Connect ${client}`;
    case 'consolidate':
      return `Put the servers of ${client} behind AgentPort`;
    case 'disconnect':
      return `Disconnect ${client}`;
    case 'restore':
      return `Restore the file of ${client}`;
  }
}

/** The heading once it is done. */
export function doneTitle(what: PlanAction, client: string): string {
  switch (what) {
    case 'connect':
      return `${client} is connected`;
    case 'consolidate':
      return `The servers of ${client} are behind AgentPort`;
    case 'disconnect':
      return `${client} is disconnected`;
    case 'restore':
      return `The file of ${client} is restored`;
  }
}

/** What takes it back; `null` where doing it anew is all there is. */
export function wayBack(what: PlanAction): PlanAction | null {
  switch (what) {
    case 'connect':
      return 'disconnect';
    case 'consolidate':
      return 'restore';
    default:
      return null;
  }
}

/** Does the client hold an entry of ours afterwards? */
export const leavesConnected = (what: PlanAction) => what === 'connect' || what === 'consolidate';

/** What is going on, for those who do not see it move; what came of it once that is over. */
export function progressWords(
  busy: 'making' | 'applying' | null,
  plan: { is_empty: boolean; conflicts: readonly unknown[]; files: readonly unknown[] } | null,
): string {
  if (busy === 'making') return 'Working out what would change…';
  if (busy === 'applying') return 'Applying…';
  if (plan === null) return '';
  if (plan.conflicts.length > 0) return 'Something is to be chosen.';
  return plan.is_empty ? 'Nothing would change.' : 'This is what would change. Nothing is done yet.';
}

const VIA: Record<ConnectionMethod, string> = {
  oauth: 'its address alone, and signs in',
  http: 'its address, with the key in the file',
  http_environment: 'its address, with the key in a variable',
  bridge: 'a local program, “agentport bridge”',
};

/** After `reaches AgentPort by`. */
export const viaWords = (via: ConnectionMethod) => VIA[via];

export type ViaChoice = ConnectionMethod | 'best';

/** The ways a client can reach the gateway. One that speaks no HTTP has one way only. */
export function viaOptions(speaksHttp: boolean, signsIn = false): { value: ViaChoice; label: string }[] {
  const best: { value: ViaChoice; label: string } = { value: 'best', label: 'what suits it best' };
  if (!speaksHttp) return [best];
  const withKey = ['http', 'http_environment', 'bridge'] as const;
  const ways = signsIn ? (['oauth', ...withKey] as const) : withKey;
  return [best, ...ways.map((value) => ({ value, label: viaWords(value) }))];
}

/** Where documentation stands, by site; further pages of one site are numbered. */
export function sourceNames(sources: readonly string[]): { name: string; href: string }[] {
  const seen = new Map<string, number>();
  return sources.map((href) => {
    const site = /^https?:\/\/(?:www\.)?([^/:?#]+)/.exec(href)?.[1] ?? href;
    const nth = (seen.get(site) ?? 0) + 1;
    seen.set(site, nth);
    return { name: nth === 1 ? site : `${site} (${nth})`, href };
  });
}
