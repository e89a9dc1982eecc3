/** Makes an error of an answer, whatever stands in it. */
import type { TokenPlace } from '../bindings/TokenPlace';
import { isObject, parse } from './json';
import { Refused } from './types';

function place(token: unknown): TokenPlace | null {
  if (!isObject(token)) return null;
  const { header, format } = token;
  return typeof header === 'string' && typeof format === 'string' ? { header, format } : null;
}

export function refusal(status: number, text: string, retryAfter: number | null): Refused {
  let problem: unknown = null;
  try {
    problem = parse(text);
  } catch {
    // No JSON: something else answered in the gateway's place. The status says enough.
  }
  const said = isObject(problem) ? problem : {};
  const word = (name: string) => (typeof said[name] === 'string' ? said[name] : null);
  const detail = word('detail') ?? `The gateway answered with status ${status}.`;
  return new Refused(
    status,
    detail,
    word('field'),
    retryAfter,
    word('code'),
    place(said.token),
    word('command'),
  );
}
