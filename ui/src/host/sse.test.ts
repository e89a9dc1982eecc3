import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

/** What comes of `text`, read in pieces of `size` characters. */
function read(text: string, size = text.length): string[] {
  const parser = new SseParser();
  const events: string[] = [];
  for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
  return events;
}

describe('SseParser', () => {
  it('gives the data of each event', () => {
    for (const [what, text, events] of [
      ['one', 'data: {"a":1}\n\n', ['{"a":1}']],
      ['two', 'data: a\n\ndata: b\n\n', ['a', 'b']],
      ['several lines', 'data: a\ndata: b\n\n', ['a\nb']],
      ['no space, and one of two spaces', 'data:a\n\ndata:  b\n\n', ['a', ' b']],
      ['colons in the data', 'data: a: b\n\n', ['a: b']],
      ['comments, also within', ':\n\n: hello\ndata: a\n:\ndata: b\n\n', ['a\nb']],
      ['other fields', 'event: x\nid: 7\nretry: 10\ndatabase: no\ndata: a\n\n', ['a']],
      ['blank lines alone', '\n\n\n', []],
      ['empty data', 'data\n\ndata:\n\n', ['', '']],
      ['an event that has not ended', 'data: a\n\ndata: b\n', ['a']],
    ] as const) {
      expect(read(text), what).toEqual(events);
    }
  });

  it('takes every end of line, wherever the pieces are cut', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = ['data: ä 1', 'data: 2', '', ': keep-alive', '', 'data: 3', '', ''].join(end);
      for (let size = 1; size <= text.length; size += 1) {
        expect(read(text, size), `${JSON.stringify(end)} in pieces of ${size}`).toEqual(['ä 1\n2', '3']);
      }
    }
  });

  it('does not wait for an LF after a CR', () => {
    const parser = new SseParser();
    expect(parser.push('data: a\r\n\r')).toEqual(['a']);
    expect(parser.push('\n')).toEqual([]);
    expect(parser.push('data: b\r\n\r\n')).toEqual(['b']);
  });
});
