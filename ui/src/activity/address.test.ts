import { describe, expect, it } from 'vitest';
import { link, parse } from '../route/route';
import { read, written } from './address';
import { NO_FILTER, type Filter } from './rows';

const AGENT = '01a1f995-b03a-76f0-9743-89721a35c76d';
const NOW = Date.parse('2026-01-31T12:00:42Z');

/** Through the address and back. */
function kept(filter: Filter): Filter {
  const route = parse(link.activity(written(filter)));
  if (route.page !== 'activity') throw new Error(route.page);
  return read(route.asks, NOW);
}

describe('a filter in the address', () => {
  it('comes back as it was left', () => {
    for (const filter of [
      NO_FILTER,
      { ...NO_FILTER, agent: AGENT, integration: 'files', tool: 'read & write', outcome: 'denied' },
      { ...NO_FILTER, q: 'ünï? #1+1=2&outcome=ok' },
      { ...NO_FILTER, past: 'between', since: '2026-01-30T12:00:00.000Z', until: '2026-01-31T12:00:00.000Z' },
      { ...NO_FILTER, past: 'between', until: '2026-01-31T12:00:00.000Z' },
      { ...NO_FILTER, past: '24h', since: '2026-01-30T12:00:00.000Z' },
    ] as const) {
      expect(kept(filter), JSON.stringify(filter)).toEqual(filter);
    }
  });

  it('says nothing where nothing is asked', () => {
    expect(link.activity(written({ ...NO_FILTER, q: '  ', past: 'between' }))).toBe('#/activity');
  });

  it('keeps a stretch that ends now by its name', () => {
    const old = { ...NO_FILTER, past: '1h', since: '2020-01-01T00:00:00.000Z' } as const;
    expect(written(old)).toEqual({ past: '1h' });
    expect(kept(old).since).toBe('2026-01-31T11:00:00.000Z');
  });

  it('asks for nothing it does not know', () => {
    for (const query of [
      'outcome=toString',
      'outcome=great',
      'past=between',
      'past=2y',
      'since=soon',
      'agent=x',
      'x=1',
    ]) {
      expect(read(query, NOW), query).toEqual(NO_FILTER);
    }
  });
});
