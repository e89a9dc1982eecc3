/**
 * What the stream of events means: the newest status, and a number per topic that grows whenever what was read of it
 * may be old. Pure; the numbers only ever grow.
 */
import type { Event } from '../bindings/Event';
import type { Status } from '../bindings/Status';

export const TOPICS = [
  'approvals',
  'integrations',
  'accounts',
  'sign_ins',
  'agents',
  'consents',
  'profiles',
  'policy',
  'settings',
  'activity',
  'owner',
  'clients',
] as const;
export type Topic = (typeof TOPICS)[number];

export interface Live {
  status: Status | null;
  revisions: Readonly<Record<Topic, number>>;
}

export const START: Live = {
  status: null,
  revisions: {
    approvals: 0,
    integrations: 0,
    accounts: 0,
    sign_ins: 0,
    agents: 0,
    consents: 0,
    profiles: 0,
    policy: 0,
    settings: 0,
    activity: 0,
    owner: 0,
    clients: 0,
  },
};

export function reduce(live: Live, event: Event): Live {
  switch (event.type) {
    case 'snapshot':
      // The first event, also after a gap: anything may have happened in between.
      return { status: event.status, revisions: bump(live, TOPICS) };
    case 'approval':
      // A grant may have made a rule.
      return { ...live, revisions: bump(live, ['approvals', 'policy']) };
    case 'integration':
      return { ...live, revisions: bump(live, ['integrations']) };
    case 'accounts':
      return { ...live, revisions: bump(live, ['accounts']) };
    case 'sign_in':
      return { ...live, revisions: bump(live, ['sign_ins']) };
    case 'agents':
      return { ...live, revisions: bump(live, ['agents']) };
    case 'consent':
      return { ...live, revisions: bump(live, ['consents']) };
    case 'profiles':
      return { ...live, revisions: bump(live, ['profiles']) };
    case 'policy':
      // The counts of allowed, asking and blocked tools follow from the rules; so does an agent's trust.
      return { ...live, revisions: bump(live, ['policy', 'integrations', 'agents']) };
    case 'settings':
      return { ...live, revisions: bump(live, ['settings']) };
    case 'activity':
      return { ...live, revisions: bump(live, ['activity']) };
    case 'owner':
      return { ...live, revisions: bump(live, ['owner']) };
    case 'clients':
      return { ...live, revisions: bump(live, ['clients']) };
    case 'paused':
      return live.status ? { ...live, status: { ...live.status, paused: event.paused } } : live;
    case 'shown':
    case 'token_reused':
      // For the desktop app, which opens its window or notifies.
      return live;
    default:
      // A newer gateway may say more than we know.
      return live;
  }
}

function bump(live: Live, topics: readonly Topic[]): Live['revisions'] {
  const revisions = { ...live.revisions };
  for (const topic of topics) revisions[topic] += 1;
  return revisions;
}
