/** What a plan would do, in sentences, before anything is shown of the files. Pure. */
import type { FileChangeView } from '../bindings/FileChangeView';
import type { ImportView } from '../bindings/ImportView';
import type { PlanView } from '../bindings/PlanView';
import { count } from '../format/labels';

export function planSentences(plan: PlanView): string[] {
  const said = [...plan.files.filter(changes).map((file) => fileSentence(file, plan))];
  if (plan.makes_key_for !== undefined) {
    said.push(
      `AgentPort makes a key for the agent “${plan.makes_key_for}”. It can list and call tools; it can never decide anything.`,
    );
  }
  if (plan.revokes_key_of !== undefined) {
    said.push(`The key of “${plan.revokes_key_of}” is revoked: its next call is refused.`);
  }
  if (plan.signs_out !== undefined) {
    said.push(`The sign-in of “${plan.signs_out}” ends: its next call is refused.`);
  }
  if (plan.what === 'consolidate') said.push(...importSentences(plan));
  if (plan.removes.length > 0) {
    said.push(
      `${listed(plan.removes)} ${plan.removes.length === 1 ? 'is' : 'are'} removed here, with secrets and rules.`,
    );
  }
  return said;
}

const changes = ({ diff, is_new, is_removed }: FileChangeView) => diff !== '' || is_new || is_removed;

/** A file by its path, and where that is a link, the file that is written. */
export const whichFile = ({ path, target }: FileChangeView): string =>
  target === undefined ? path : `${path} → ${target}`;

function fileSentence(change: FileChangeView, plan: PlanView): string {
  const { is_new, is_removed } = change;
  const path = whichFile(change);
  const who = plan.client_name;
  if (is_removed) return `${path} goes: there was no such file before.`;
  switch (plan.what) {
    case 'connect':
      return is_new
        ? `${path} is made, with one entry: “agentport”.`
        : `${who} gets the entry “agentport” in ${path}. Everything else in there stays as it is.`;
    case 'disconnect':
      return `The entry “agentport” goes from ${path}. Everything else in there stays as it is.`;
    case 'consolidate':
      return `In ${path}, “agentport” takes the place of the servers that go behind AgentPort.`;
    case 'restore':
      return is_new ? `${path} is made again, as it was.` : `${path} gets back what was there before.`;
  }
}

function importSentences({ imports, left, client_name }: PlanView): string[] {
  const merged = imports.filter((each) => each.merged);
  const added = imports.length - merged.length;
  const off = imports.filter((each) => !each.merged && !each.enabled).length;
  const secrets = imports.reduce((sum, each) => sum + each.secrets.length, 0);
  const said: string[] = [];
  if (added > 0) {
    const how =
      off === 0 ? '' : off === added ? ', switched off as they are there' : `, ${off} of them switched off`;
    said.push(
      `${count(added, 'server')} ${added === 1 ? 'becomes an integration' : 'become integrations'}${how}.`,
    );
  }
  if (merged.length > 0) {
    said.push(
      merged.length === 1
        ? `${merged[0]?.server ?? ''} is an integration already, and that one is used.`
        : `${count(merged.length, 'server')} are integrations already, and those are used.`,
    );
  }
  if (secrets > 0) {
    said.push(`${count(secrets, 'secret')} ${secrets === 1 ? 'moves' : 'move'} to the vault.`);
  }
  if (left.length > 0) {
    said.push(`${count(left.length, 'server')} ${left.length === 1 ? 'stays' : 'stay'} in ${client_name}.`);
  }
  return said;
}

/** What is special about a server that goes behind AgentPort. */
export function importNotes({ merged, enabled, secrets, unknown }: ImportView): string[] {
  const said: string[] = [];
  if (secrets.length > 0)
    said.push(`${merged ? 'In the vault already' : 'Moves to the vault'}: ${secrets.join(', ')}.`);
  if (!enabled && !merged) said.push('It is switched off there, and is here as well.');
  if (unknown.length > 0) said.push(`Kept with it, but without effect here: ${unknown.join(', ')}.`);
  return said;
}

/** What a client ran without asking; empty where it asked for everything. */
export function approvedThere(
  { auto_approve, auto_approve_all }: Pick<ImportView, 'auto_approve' | 'auto_approve_all'>,
  client: string,
): string {
  if (auto_approve_all)
    return `${client} runs all of its tools without asking. Here they ask until you allow them.`;
  if (auto_approve.length === 0) return '';
  return `${client} runs ${listed(auto_approve)} without asking. Here ${
    auto_approve.length === 1 ? 'it asks' : 'they ask'
  } until you allow ${auto_approve.length === 1 ? 'it' : 'them'}.`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

/** A text of the gateway's as a sentence of its own, where others follow. */
export function ended(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
