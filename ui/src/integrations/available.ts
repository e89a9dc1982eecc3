/** Integrations that can be installed: how the list is parted, and how each lets us in, in words. Pure. */
import type { AuthMethod } from '../bindings/AuthMethod';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';

export interface Part {
  /** `null` where one part is all there is. */
  title: string | null;
  items: AvailableIntegration[];
}

/** What is popular comes first; what was searched for comes in the order it was found in. */
export function parts(items: readonly AvailableIntegration[], search: string): Part[] {
  if (search !== '') return items.length > 0 ? [{ title: null, items: [...items] }] : [];
  const some = [
    { title: 'Popular', items: items.filter(({ popular }) => popular) },
    { title: 'All others', items: items.filter(({ popular }) => !popular) },
  ].filter((part) => part.items.length > 0);
  return some.length === 1 ? some.map((part) => ({ ...part, title: null })) : some;
}

/** What it takes to be let in, in a few words for a card. */
export function needs(auth: readonly AuthMethod[]): string {
  const words = auth
    .toSorted((a, b) => NEEDS_ORDER.indexOf(a.method) - NEEDS_ORDER.indexOf(b.method))
    .map(need);
  const [first = 'no sign-in', ...others] = words;
  return [first.charAt(0).toUpperCase() + first.slice(1), ...others].join(', or ');
}

/** What most people have at hand comes first. */
const NEEDS_ORDER: readonly AuthMethod['method'][] = ['oauth', 'token', 'none'];

function need(way: AuthMethod): string {
  switch (way.method) {
    case 'oauth':
      return way.own_client_required ? 'sign-in with a client of your own' : 'sign-in';
    case 'token':
      return way.fields.length > 1 ? `${way.fields.length} tokens` : 'token';
    case 'none':
      return 'no sign-in';
  }
}

/** How a way of being let in is called where there is a choice. */
export function wayName(way: AuthMethod): string {
  switch (way.method) {
    case 'oauth':
      return 'In the browser';
    case 'token':
      return way.fields.length > 1 ? 'With tokens' : 'With a token';
    case 'none':
      return 'Without sign-in';
  }
}

/** Where it is, for who wants to know whom they trust. */
export function place(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
