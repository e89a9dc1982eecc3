/** Where one can go. */
import Activity from '@lucide/svelte/icons/activity';
import Blocks from '@lucide/svelte/icons/blocks';
import Bot from '@lucide/svelte/icons/bot';
import Cable from '@lucide/svelte/icons/cable';
import CircleUserRound from '@lucide/svelte/icons/circle-user-round';
import Inbox from '@lucide/svelte/icons/inbox';
import Scale from '@lucide/svelte/icons/scale';
import Settings from '@lucide/svelte/icons/settings';
import type { Component } from 'svelte';
import { link, type Route } from '../route/route';

export interface Place {
  name: string;
  href: string;
  icon: Component;
  pages: readonly Route['page'][];
}

export const PLACES: readonly Place[] = [
  { name: 'Inbox', href: link.inbox(), icon: Inbox, pages: ['inbox', 'consent'] },
  {
    name: 'Integrations',
    href: link.integrations(),
    icon: Blocks,
    pages: ['integrations', 'integrations/add', 'integrations/browse', 'integration'],
  },
  { name: 'Accounts', href: link.accounts(), icon: CircleUserRound, pages: ['accounts'] },
  { name: 'Agents', href: link.agents(), icon: Bot, pages: ['agents', 'agent'] },
  { name: 'Connect', href: link.connect(), icon: Cable, pages: ['connect', 'client'] },
  { name: 'Activity', href: link.activity(), icon: Activity, pages: ['activity'] },
  { name: 'Policy', href: link.policy(), icon: Scale, pages: ['policy'] },
  { name: 'Settings', href: link.settings(), icon: Settings, pages: ['settings'] },
];
