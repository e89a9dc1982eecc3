/** Profiles in plain words, and what an editor does to them. Pure; the gateway's own words are in `core::profile`. */
import type { KeyView } from '../bindings/KeyView';
import type { Profile } from '../bindings/Profile';
import { count } from '../format/labels';

export const BLANK: Profile = {
  name: '',
  integrations: null,
  tags: [],
  hidden_tools: [],
  mode: 'meta',
  naming: 'prefixed',
};

/** What an agent with this profile sees. `names` are those of the integrations by id. */
export function summary(profile: Profile, names: ReadonlyMap<string, string>): string {
  const parts = [scope(profile, names)];
  if (profile.hidden_tools.length > 0) {
    const wild = profile.hidden_tools.some((hidden) => hidden.endsWith('*'));
    parts.push(wild ? 'some tools hidden' : `${count(profile.hidden_tools.length, 'tool')} hidden`);
  }
  if (profile.mode === 'direct') {
    parts.push(profile.naming === 'bare' ? 'tools listed by their own names' : 'tools listed one by one');
  }
  return parts.join('; ');
}

function scope({ integrations, tags }: Profile, names: ReadonlyMap<string, string>): string {
  const tagged = tags.length > 0 ? ` tagged ${either(tags)}` : '';
  if (integrations === null) return tagged === '' ? 'Sees every integration' : `Sees integrations${tagged}`;
  if (integrations.length === 0) return 'Sees no integration';
  const listed = list(
    integrations.map((id) => names.get(id) ?? id),
    'and',
  );
  return tagged === '' ? `Sees ${listed}` : `Sees ${listed}, where${tagged}`;
}

const either = (words: readonly string[]) => list(words, 'or');

function list(words: readonly string[], last: string): string {
  const [first = '', ...rest] = words;
  if (rest.length === 0) return first;
  return `${[first, ...rest.slice(0, -1)].join(', ')} ${last} ${rest.at(-1)}`;
}

/** Does the profile show the integration, given its tags? */
export function shows(profile: Profile, id: string, tags: readonly string[]): boolean {
  const listed = profile.integrations === null || profile.integrations.includes(id);
  return listed && (profile.tags.length === 0 || profile.tags.some((tag) => tags.includes(tag)));
}

/** Is the tool hidden, and by which entry? An entry of its own before a pattern. */
export function hiddenBy(hidden: readonly string[], integration: string, tool: string): string | null {
  const own = `${integration}/${tool}`;
  if (hidden.includes(own)) return own;
  const by = hidden.find((entry) => entry.endsWith('*') && own.startsWith(entry.slice(0, -1)));
  return by !== undefined && by.startsWith(`${integration}/`) ? by : null;
}

export function toggled(list: readonly string[], entry: string, on: boolean): string[] {
  return on ? [...list.filter((other) => other !== entry), entry] : list.filter((other) => other !== entry);
}

/** Why a pattern can't be added, or `null`. */
export function wrongPattern(
  text: string,
  hidden: readonly string[],
  known: readonly string[],
): string | null {
  const pattern = text.trim();
  const [integration = '', tool = ''] = pattern.split(/\/(.*)/s, 2);
  if (!pattern.includes('/') || tool === '') {
    return 'Write integration/tool, as in files/write_file or files/write*.';
  }
  if (!known.includes(integration)) return `There is no integration ${integration}.`;
  if (tool.slice(0, -1).includes('*')) return 'A star stands for the rest of a name, so it comes last.';
  return hidden.includes(pattern) ? 'That is hidden already.' : null;
}

/** The agents that have a profile and a key that is good. */
export function usersOf(name: string, keys: readonly KeyView[]): KeyView[] {
  return keys.filter(({ profile, revoked_at }) => profile === name && revoked_at === null);
}
