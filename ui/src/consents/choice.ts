/** As what an agent is let in. Pure. */
import type { ApproveConsent } from '../bindings/ApproveConsent';
import type { ConsentView } from '../bindings/ConsentView';

export interface ConsentChoice {
  as: 'known' | 'new';
  /** Of a new agent. */
  name: string;
  /** Of a new agent; empty: it sees everything. */
  profile: string;
  /** The digits of the page, for a request from another computer. */
  code: string;
}

/** The agent that it was before, where there is one: it keeps its name, profile and rules. */
export function firstChoice({ known_as, suggested_name }: ConsentView): ConsentChoice {
  return { as: known_as === null ? 'new' : 'known', name: suggested_name, profile: '', code: '' };
}

/** What is sent; `null` where a new agent has no name, or the digits are missing. */
export function chosen(
  view: Pick<ConsentView, 'known_as' | 'remote'>,
  choice: ConsentChoice,
): ApproveConsent | null {
  const typed = choice.code.trim();
  if (view.remote && !/^\d{4}$/.test(typed)) return null;
  const code = view.remote ? { code: typed } : {};
  if (choice.as === 'known' && view.known_as !== null) return { agent: view.known_as.id, ...code };
  const name = choice.name.trim();
  if (name === '') return null;
  return choice.profile === '' ? { name, ...code } : { name, profile: choice.profile, ...code };
}
