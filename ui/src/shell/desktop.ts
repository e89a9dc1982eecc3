/** What the pages ask of the desktop app around them. In a browser, what comes nearest happens instead. */
import type { CopyText } from '../bindings/CopyText';
import type { OpenPage } from '../bindings/OpenPage';
import type { OpenWindow } from '../bindings/OpenWindow';
import { host } from '../host';

/** Opens the main window at a route such as `#/activity`. */
export async function openMain(route: string): Promise<void> {
  const body: OpenWindow = { window: 'main', route };
  if (host.desktop) await host.request('POST', '/desktop/window', body);
  else window.open(window.location.pathname + route, '_blank', 'noopener');
}

/** Closes this window. A browser keeps its own counsel. */
export async function closeWindow(): Promise<void> {
  if (host.desktop) await host.request('DELETE', '/desktop/window');
}

/** Opens a page in the owner's browser, from a window that shows nothing but our own. */
export async function openPage(url: string): Promise<void> {
  await host.request('POST', '/desktop/open', { url } satisfies OpenPage);
}

/** Puts a text on the clipboard. A secret stays out of what clipboard managers remember, where that can be said. */
export async function copy(text: string, secret = false): Promise<void> {
  if (host.desktop) await host.request('POST', '/desktop/copy', { text, secret } satisfies CopyText);
  else await navigator.clipboard.writeText(text);
}
