/**
 * The address behind `#`, read and written. Hashes work from any origin and need nothing of the server.
 */
export type InboxTab = 'waiting' | 'missed' | 'decided';

export type Route =
  | { page: 'inbox'; tab: InboxTab; id: string | null }
  | { page: 'integrations' }
  | { page: 'integrations/add' }
  | { page: 'integration'; id: string }
  | { page: 'agents' }
  | { page: 'activity'; integration: string | null; agent: string | null }
  | { page: 'policy' }
  | { page: 'settings' }
  | { page: 'welcome'; code: string | null }
  | { page: 'lost'; path: string };

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
      case 'agents':
        return { page: 'agents' };
      case 'activity':
        return { page: 'activity', integration: query.get('integration'), agent: query.get('agent') };
      case 'policy':
        return { page: 'policy' };
      case 'settings':
        return { page: 'settings' };
      case 'welcome':
        return { page: 'welcome', code: query.get('code') };
    }
  }
  if (!tooLong && first === 'approvals') return { page: 'inbox', tab: tab(query.get('tab')), id: second };
  if (!tooLong && first === 'integrations') {
    return second === 'add' && !query.has('id')
      ? { page: 'integrations/add' }
      : { page: 'integration', id: second };
  }
  return { page: 'lost', path };
}

export const link = {
  inbox: (tab: InboxTab = 'waiting') => (tab === 'waiting' ? '#/' : `#/approvals?tab=${tab}`),
  approval: (id: string, tab: InboxTab = 'waiting') =>
    `#/approvals/${encodeURIComponent(id)}${tab === 'waiting' ? '' : `?tab=${tab}`}`,
  integrations: () => '#/integrations',
  addIntegration: () => '#/integrations/add',
  // An integration may be called `add` too.
  integration: (id: string) =>
    id === 'add' ? '#/integrations/add?id' : `#/integrations/${encodeURIComponent(id)}`,
  agents: () => '#/agents',
  activity: (filter: { integration?: string; agent?: string } = {}) => {
    const query = new URLSearchParams(filter).toString();
    return query === '' ? '#/activity' : `#/activity?${query}`;
  },
  policy: () => '#/policy',
  settings: () => '#/settings',
};

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
