/** What a component shows, for tests: rendered as on a server, where effects do not run and nothing is loaded. */

/** The text of its HTML, with the names of buttons that have no text of their own in brackets. */
export function textOf(html: string): string {
  return html
    .replace(/<!--.*?-->/gs, '')
    .replace(/<svg.*?<\/svg>/gs, '')
    .replace(/<button[^>]*aria-label="([^"]*)"[^>]*>/g, '[$1] ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
