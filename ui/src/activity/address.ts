/** What the activity is asked for, as the address keeps it: so that going back finds it as it was left. Pure. */
import type { OutcomeKind } from '../bindings/OutcomeKind';
import { OUTCOMES } from '../format/labels';
import { beginning, PASTS, type Past } from './moments';
import { NO_FILTER, type Filter } from './rows';

/** A stretch that ends now is kept by its name: it begins anew whenever the page does. */
export function written({ past, since, until, ...others }: Filter): Record<string, string> {
  const time = beginning(past, 0) === '' ? { since, until } : { past };
  return Object.fromEntries(
    Object.entries({ ...others, ...time }).filter(([, value]) => value.trim() !== ''),
  );
}

/** What it does not know, or can't make sense of, asks for nothing. */
export function read(query: string, now: number): Filter {
  const asked = new URLSearchParams(query);
  const word = (name: string) => asked.get(name)?.trim() ?? '';
  const filter: Filter = {
    ...NO_FILTER,
    agent: uuid(word('agent')),
    integration: word('integration'),
    tool: word('tool'),
    outcome: outcome(word('outcome')),
    q: word('q'),
  };
  const past = pastOf(word('past'));
  if (past !== '') return { ...filter, past, since: beginning(past, now) };
  const [since, until] = [moment(word('since')), moment(word('until'))];
  return { ...filter, since, until, past: since === '' && until === '' ? '' : 'between' };
}

function outcome(text: string): OutcomeKind | '' {
  return Object.hasOwn(OUTCOMES, text) ? (text as OutcomeKind) : '';
}

/** One with a length of its own. */
function pastOf(text: string): Past {
  const known = PASTS.find(({ value }) => value === text)?.value ?? '';
  return beginning(known, 0) === '' ? '' : known;
}

function uuid(text: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : '';
}

function moment(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}
