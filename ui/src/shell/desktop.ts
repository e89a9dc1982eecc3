/** What the pages ask of the desktop app around them. In a browser, what comes nearest happens instead. */
import type { CopyText } from '../bindings/CopyText';
import type { OpenPage } from '../bindings/OpenPage';
import type { OnClose } from '../bindings/OnClose';
import type { OpenWindow } from '../bindings/OpenWindow';
import type { SetOnClose } from '../bindings/SetOnClose';
import type { WindowView } from '../bindings/WindowView';
import { host } from '../host';
import {
  DESKTOP_COPY,
  DESKTOP_ON_CLOSE,
  DESKTOP_OPEN,
  DESKTOP_QUIT,
  DESKTOP_VIEW,
  DESKTOP_WINDOW,
} from '../host/paths';

/** Opens the main window at a route such as `#/activity`. */
export async function openMain(route: string): Promise<void> {
  const body: OpenWindow = { window: 'main', route };
  if (host.desktop) await host.request('POST', DESKTOP_WINDOW, body);
  else window.open(window.location.pathname + route, '_blank', 'noopener');
}

/** Closes this window. A browser keeps its own counsel. */
export async function closeWindow(): Promise<void> {
  if (host.desktop) await host.request('DELETE', DESKTOP_WINDOW);
}

/** Remembers what closing the window does where there is no tray. */
export const setOnClose = (choice: OnClose) =>
  host.request('PUT', DESKTOP_ON_CLOSE, { choice } satisfies SetOnClose);

export const quit = () => host.request('POST', DESKTOP_QUIT);

/** What was said last has to arrive last. */
let viewSaid: Promise<unknown> = Promise.resolve();

/** Says what this window shows, so that no notification is put over it. */
export function showView(view: WindowView): void {
  if (!host.desktop) return;
  // An app that is ending shows no notification anyway.
  viewSaid = viewSaid.then(() => host.request('PUT', DESKTOP_VIEW, view)).catch(() => {});
}

/** Opens a page in the owner's browser, from a window that shows nothing but our own. */
export async function openPage(url: string): Promise<void> {
  await host.request('POST', DESKTOP_OPEN, { url } satisfies OpenPage);
}

/**
 * Opens a page of another site, in the owner's browser or a tab of it. To be called for a click of the owner only: a
 * browser opens nothing otherwise.
 * @returns whether it was opened, as far as that can be known
 */
export async function openExternal(url: string): Promise<boolean> {
  if (host.desktop) {
    await openPage(url);
    return true;
  }
  if (!isWebAddress(url)) throw new Error('Only pages on the web (https) and on this computer are opened.');
  // Without `noopener` the page could send this one elsewhere; with it, nothing says whether a tab was opened.
  if (!navigator.userActivation.isActive) return false;
  window.open(url, '_blank', 'noopener,noreferrer');
  return true;
}

/** `https`, or `http` on loopback: what the desktop app opens as well. */
export function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return username + password === '' && (protocol === 'https:' || (protocol === 'http:' && loopback));
}

/** Puts a text on the clipboard. A secret stays out of what clipboard managers remember, where that can be said. */
export async function copy(text: string, secret = false): Promise<void> {
  if (host.desktop) await host.request('POST', DESKTOP_COPY, { text, secret } satisfies CopyText);
  else await navigator.clipboard.writeText(text);
}
