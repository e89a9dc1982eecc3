/**
 * JSON that keeps numbers as they were written.
 *
 * An owner approves arguments by reading them, and `JSON.parse` would show 9007199254740993 as 9007199254740992 and
 * `1.0` as `1`. A number that JavaScript would write differently becomes an {@link ExactNumber}; all else is what
 * `JSON.parse` gives. There is no reviver and no replacer.
 */

/** A number in its own spelling. */
export class ExactNumber {
  constructor(readonly source: string) {}

  toString(): string {
    return this.source;
  }
}

/** Deeper than any real arguments are, and far from the end of the stack. */
const DEEPEST = 500;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

/** Reads one JSON text. Throws a `SyntaxError` that says where it went wrong. */
export function parse(text: string): unknown {
  let at = 0;

  const fail = (): never => {
    const before = text.slice(0, at).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    const what = at < text.length ? `unexpected ${JSON.stringify(text[at])}` : 'it ends too early';
    throw new SyntaxError(`Not valid JSON: ${what} (line ${before.length}, column ${column})`);
  };
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return null;
    at += found.length;
    return found;
  };
  const take = (token: string): boolean => {
    match(SPACE);
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const string = (): string => {
    match(SPACE);
    return JSON.parse(match(STRING) ?? fail()) as string;
  };

  const value = (depth: number): unknown => {
    if (depth > DEEPEST) throw new SyntaxError('Not usable: nested too deeply');
    match(SPACE);
    if (text[at] === '"') return string();
    if (take('true')) return true;
    if (take('false')) return false;
    if (take('null')) return null;
    if (take('[')) {
      const items: unknown[] = [];
      if (take(']')) return items;
      do items.push(value(depth + 1));
      while (take(','));
      return take(']') ? items : fail();
    }
    if (take('{')) {
      const entries: [string, unknown][] = [];
      if (take('}')) return {};
      do {
        const key = string();
        if (!take(':')) fail();
        entries.push([key, value(depth + 1)]);
      } while (take(','));
      // `fromEntries` defines, so that a key named `__proto__` stays a key.
      return take('}') ? Object.fromEntries(entries) : fail();
    }
    const source = match(NUMBER) ?? fail();
    const number = Number(source);
    return String(number) === source ? number : new ExactNumber(source);
  };

  const result = value(0);
  match(SPACE);
  if (at < text.length) fail();
  return result;
}

/** Writes a value that {@link parse} gave, or any plain one. With `indent` on several lines. */
export function stringify(value: unknown, indent = 0): string {
  const write = (item: unknown, margin: string): string => {
    if (item instanceof ExactNumber) return item.source;
    if (item === null || typeof item !== 'object') return JSON.stringify(item) ?? 'null';
    const inner = margin + ' '.repeat(indent);
    const [open, close] = Array.isArray(item) ? ['[', ']'] : ['{', '}'];
    const parts = Array.isArray(item)
      ? item.map((part) => write(part, inner))
      : Object.entries(item)
          .filter(([, part]) => part !== undefined)
          .map(([key, part]) => `${JSON.stringify(key)}:${indent ? ' ' : ''}${write(part, inner)}`);
    if (parts.length === 0) return open + close;
    return indent
      ? `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`
      : open + parts.join(',') + close;
  };
  return write(value, '');
}

/** Are the two the same JSON, whatever the order of keys? Numbers are the same when their spelling is. */
export function same(a: unknown, b: unknown): boolean {
  return stringify(sorted(a)) === stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => [key, sorted(part)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An object of JSON: not an array, not null, not a number in its own spelling. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
  );
}
