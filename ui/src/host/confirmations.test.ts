import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Confirmations } from './confirmations';
import { Refused } from './types';

const needed = () => new Refused(403, 'Allowing needs a code.', null, null, 'confirmation_needed');
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

let confirmations: Confirmations;
let sent: (string | null)[];
/** Tokens the gateway takes. */
let good: Set<string>;

const send = async (token: string | null) => {
  sent.push(token);
  if (token === null || !good.has(token)) throw needed();
  return 'done';
};
const approve = () => confirmations.through('/control/approvals/a/approve', send);
const confirm = (token: string, expires_at: string) =>
  confirmations.through('/control/confirm', async () => {
    good.add(token);
    return { token, expires_at };
  });

beforeEach(() => {
  confirmations = new Confirmations();
  sent = [];
  good = new Set();
});

describe('a request that needs a confirmation', () => {
  it('is sent again with the one given, which the next ones use as well', async () => {
    const ask = vi.fn(async (_why: string) => (await confirm('one', inMinutes(5))).token);
    confirmations.ask = ask;
    expect(await approve()).toBe('done');
    expect(await approve()).toBe('done');
    expect(ask.mock.calls).toEqual([['Allowing needs a code.']]);
    expect(sent).toEqual([null, 'one', 'one']);
  });

  it('stays refused where the owner gives none', async () => {
    await expect(approve()).rejects.toThrow('Allowing needs a code.');
    expect(sent).toEqual([null]);
  });

  it('asks anew once the confirmation has ended, for the page or for the gateway', async () => {
    await confirm('old', inMinutes(-1));
    confirmations.ask = async () => (await confirm('new', inMinutes(5))).token;
    expect(await approve()).toBe('done');
    expect(sent).toEqual([null, 'new']);

    good.delete('new');
    confirmations.ask = async () => (await confirm('newer', inMinutes(5))).token;
    expect(await approve()).toBe('done');
    expect(sent.slice(2)).toEqual(['new', 'newer']);
  });

  it('takes the one that another was given meanwhile', async () => {
    confirmations.ask = () => Promise.reject(new Error('asked twice'));
    const late = async (token: string | null) => {
      if (token === null) await confirm('theirs', inMinutes(5));
      return send(token);
    };
    expect(await confirmations.through('/control/keys', late)).toBe('done');
    expect(sent).toEqual([null, 'theirs']);
  });

  it('is not sent for ever', async () => {
    confirmations.ask = () => Promise.resolve('useless');
    await expect(approve()).rejects.toThrow('Allowing needs a code.');
    expect(sent).toEqual([null, 'useless']);
  });
});

it('other refusals ask for nothing, and nothing is kept after it is forgotten', async () => {
  const ask = vi.fn(() => Promise.resolve(null));
  confirmations.ask = ask;
  const denied = () => Promise.reject(new Refused(403, 'No.'));
  await expect(confirmations.through('/control/keys', denied)).rejects.toThrow('No.');
  expect(ask).not.toHaveBeenCalled();

  await confirm('one', inMinutes(5));
  confirmations.forget();
  await expect(approve()).rejects.toThrow();
  expect(sent).toEqual([null]);
});
