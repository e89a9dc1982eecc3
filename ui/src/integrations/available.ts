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
  const open = auth.some(({ method }) => method === 'none');
  const token = auth.find((way) => way.method === 'token');
  if (token === undefined) return 'No sign-in';
  const many = token.fields.length > 1 ? `${token.fields.length} tokens` : 'Token';
  return open ? `${many}, or no sign-in` : many;
}

/** How a way of being let in is called where there is a choice. */
export function wayName(way: AuthMethod): string {
  if (way.method === 'token') return way.fields.length > 1 ? 'With tokens' : 'With a token';
  return way.method === 'none' ? 'Without sign-in' : 'In the browser';
}

/** Where it is, for who wants to know whom they trust. */
export function place(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
