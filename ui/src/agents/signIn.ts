/** How an agent was let in, and how its sign-in stands, in words. Pure. */
import type { AgentSignIn } from '../bindings/AgentSignIn';
import type { KeyView } from '../bindings/KeyView';
import { count } from '../format/labels';

/** None of its sign-ins is valid any more: the owner has to consent again before it gets anywhere. */
export const isSignedOut = ({ oauth, revoked_at }: Pick<KeyView, 'oauth' | 'revoked_at'>): boolean =>
  oauth !== undefined && oauth.valid === 0 && revoked_at === null;

/** Its sign-ins: several copies of one program can have one each. */
export function signInsWords({ valid }: Pick<AgentSignIn, 'valid'>): string {
  return valid === 0 ? 'None: it has to sign in again' : `${count(valid, 'sign-in')} valid`;
}

/** What shutting it out is called, and what is said of it. */
export function shutOutWords({ oauth, name }: Pick<KeyView, 'oauth' | 'name'>): {
  title: string;
  verb: string;
  after: string;
  done: string;
} {
  return oauth === undefined
    ? {
        title: `Revoke the key of ${name}?`,
        verb: 'Revoke',
        after: 'This can’t be undone; the agent would need a new key.',
        done: `The key of ${name} was revoked.`,
      }
    : {
        title: `Sign out and shut out ${name}?`,
        verb: 'Sign out and shut out',
        after: 'This can’t be undone. If it signs in again, you are asked, and it is a new agent.',
        done: `${name} was signed out and shut out.`,
      };
}
