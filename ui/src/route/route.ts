/**
 * The address behind `#`, read and written. Hashes work from any origin and need nothing of the server.
 */
import type { PlanAction } from '../bindings/PlanAction';
import type { RequestId } from '../bindings/RequestId';

export type InboxTab = 'waiting' | 'missed' | 'decided';

export type Route =
  | { page: 'inbox'; tab: InboxTab; id: string | null }
  | { page: 'consent'; id: string }
  | { page: 'integrations' }
  | { page: 'integrations/add' }
  | { page: 'integrations/browse'; install: string | null }
  | { page: 'integration'; id: string }
  | { page: 'accounts' }
  | { page: 'agents'; create: boolean }
  | { page: 'agent'; id: string }
  | { page: 'connect'; folder: string | null }
  | {
      page: 'client';
      id: string;
      folder: string | null;
      begin: PlanAction | null;
      file: string | null;
      from: 'welcome' | null;
    }
  | { page: 'activity'; asks: string }
  | { page: 'policy'; rule: string | null; agent: string | null }
  | { page: 'settings' }
  | { page: 'welcome'; code: string | null }
  | { page: 'lost'; path: string };

/** Pages of ours beside those of the integrations, which may be called the same. */
const OWN: readonly string[] = ['add', 'browse'];

export function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const query = new URLSearchParams(search);
  const [first = '', second = '', ...rest] = path.split('/').map(decode);
  const tooLong = rest.length > 0;
  if (!tooLong && second === '') {
    switch (first) {
      case '':
      case 'approvals':
        return { page: 'inbox', tab: tab(query.get('tab')), id: null };
      case 'integrations':
        return { page: 'integrations' };
      case 'accounts':
        return { page: 'accounts' };
      case 'agents':
        return { page: 'agents', create: query.has('new') };
      case 'connect':
        return { page: 'connect', folder: query.get('folder') };
      case 'activity':
        return { page: 'activity', asks: query.toString() };
      case 'policy':
        return { page: 'policy', rule: query.get('rule'), agent: query.get('agent') };
      case 'settings':
        return { page: 'settings' };
      case 'welcome':
        return { page: 'welcome', code: query.get('code') };
    }
  }
  if (!tooLong && first === 'approvals') return { page: 'inbox', tab: tab(query.get('tab')), id: second };
  if (!tooLong && first === 'consents' && second !== '') return { page: 'consent', id: second };
  if (!tooLong && first === 'agents') return { page: 'agent', id: second };
  if (!tooLong && first === 'connect') {
    const begin = begun(query.get('begin'));
    const from = query.get('from') === 'welcome' ? 'welcome' : null;
    return { page: 'client', id: second, folder: query.get('folder'), begin, file: query.get('file'), from };
  }
  if (!tooLong && first === 'integrations') {
    if (!OWN.includes(second) || query.has('id')) return { page: 'integration', id: second };
    return second === 'add' ? { page: 'integrations/add' } : { page: 'integrations/browse', install: null };
  }
  const [third = ''] = rest;
  if (first === 'integrations' && second === 'install' && third !== '' && rest.length === 1) {
    return { page: 'integrations/browse', install: third };
  }
  return { page: 'lost', path };
}

export const link = {
  inbox: (tab: InboxTab = 'waiting') => (tab === 'waiting' ? '#/' : `#/approvals?tab=${tab}`),
  approval: (id: string, tab: InboxTab = 'waiting') =>
    `#/approvals/${encodeURIComponent(id)}${tab === 'waiting' ? '' : `?tab=${tab}`}`,
  /** An agent that wants to be let in. */
  consent: (id: string) => `#/consents/${encodeURIComponent(id)}`,
  request: ({ kind, id }: RequestId) => (kind === 'call' ? link.approval(id) : link.consent(id)),
  integrations: () => '#/integrations',
  addIntegration: () => '#/integrations/add',
  browse: () => '#/integrations/browse',
  install: (id: string) => `#/integrations/install/${encodeURIComponent(id)}`,
  integration: (id: string) => `#/integrations/${encodeURIComponent(id)}${OWN.includes(id) ? '?id' : ''}`,
  accounts: () => '#/accounts',
  agents: () => '#/agents',
  newKey: () => '#/agents?new',
  agent: (id: string) => `#/agents/${encodeURIComponent(id)}`,
  /** Every client, with the files of a project's folder where one is given. */
  connect: (folder: string | null = null) => `#/connect${asked({ folder })}`,
  /**
   * One client; `begin` shows at once what that would do, with `file` where it is not the first one. Who comes `from`
   * the welcome gets back there.
   */
  client: (
    id: string,
    show: { folder?: string | null; begin?: PlanAction; file?: string; from?: 'welcome' | null } = {},
  ) => `#/connect/${encodeURIComponent(id)}${asked(show)}`,
  /** Filtered, as the activity reads it. */
  activity: (filter: Readonly<Record<string, string>> = {}) => {
    const query = new URLSearchParams(filter).toString();
    return query === '' ? '#/activity' : `#/activity?${query}`;
  },
  policy: (show: { rule?: string; agent?: string } = {}) => {
    const query = new URLSearchParams(show).toString();
    return query === '' ? '#/policy' : `#/policy?${query}`;
  },
  settings: () => '#/settings',
  welcome: () => '#/welcome',
};

/** The request for the owner's decision that is shown. */
export function requestOf(route: Route): RequestId | null {
  if (route.page === 'consent') return { kind: 'consent', id: route.id };
  return route.page === 'inbox' && route.id !== null ? { kind: 'call', id: route.id } : null;
}

/** What follows the path: nothing where nothing is asked. */
function asked(what: Readonly<Record<string, string | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(what)) if (value != null) query.set(name, value);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function begun(text: string | null): PlanAction | null {
  switch (text) {
    case 'connect':
    case 'disconnect':
    case 'consolidate':
    case 'restore':
      return text;
    default:
      return null;
  }
}

function tab(text: string | null): InboxTab {
  return text === 'missed' || text === 'decided' ? text : 'waiting';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
