/** What is another in a plan that had to be made anew. Pure. */
import type { PlanView } from '../bindings/PlanView';
import { listed } from './sentences';

export function differs(before: PlanView, after: PlanView): string[] {
  const said: string[] = [];
  const diffs = new Map(before.files.map(({ path, diff }) => [path, diff]));
  const other = after.files.filter(({ path, diff }) => diffs.get(path) !== diff).map(({ path }) => path);
  if (other.length > 0) said.push(`What changes in ${listed(other)} is another now.`);
  const gone = before.files
    .filter(({ path }) => !after.files.some((file) => file.path === path))
    .map(({ path }) => path);
  if (gone.length > 0) said.push(`Nothing changes in ${listed(gone)} any more.`);

  const compare = (words: (names: string) => string, from: readonly string[], to: readonly string[]) => {
    const fresh = to.filter((name) => !from.includes(name));
    if (fresh.length > 0) said.push(words(listed(fresh)));
  };
  const servers = (plan: PlanView) => plan.imports.map(({ server }) => server);
  const left = (plan: PlanView) => plan.left.map(({ server }) => server);
  const chosen = (plan: PlanView) =>
    plan.conflicts.map((conflict) => (conflict.kind === 'name' ? conflict.server : conflict.path));
  compare((names) => `Comes along as well: ${names}.`, servers(before), servers(after));
  compare((names) => `No longer comes along: ${names}.`, servers(after), servers(before));
  compare((names) => `Stays in the client: ${names}.`, left(before), left(after));
  compare((names) => `To be chosen: ${names}.`, chosen(before), chosen(after));
  return said.length > 0 ? said : ['The plan is the same as before.'];
}
