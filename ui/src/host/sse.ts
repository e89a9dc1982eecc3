/**
 * Server-sent events from text that comes in pieces, cut anywhere. Only the data of each event counts here; its name,
 * its id and comments (which keep the line open) are passed over.
 */
export class SseParser {
  /** The beginning of a line that has not ended. */
  #rest = '';
  #data: string[] = [];
  /** The last piece ended with a CR, so that an LF now belongs to it. */
  #afterCr = false;

  /** Takes the next piece and gives the data of every event that ended in it. */
  push(piece: string): string[] {
    if (piece === '') return [];
    const text = this.#afterCr && piece.startsWith('\n') ? piece.slice(1) : piece;
    this.#afterCr = text.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';

    const events: string[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push(this.#data.join('\n'));
        this.#data = [];
        continue;
      }
      const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'data') this.#data.push(value ?? '');
    }
    return events;
  }
}
