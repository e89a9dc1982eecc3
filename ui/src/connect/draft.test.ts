import { describe, expect, it } from 'vitest';
import { alongs } from './importChoices';
import { choosing, draft, isId, keeping, startingAsBefore, want } from './draft';
import { imported, planned, taken } from './fixtures';
import { sourceNames, viaOptions, wayBack } from './planLabels';

describe('what is asked of the gateway', () => {
  it('names what was chosen, and nothing else', () => {
    expect(want(draft('connect'))).toEqual({
      what: 'connect',
      choices: {},
      keep: [],
      remove_integrations: false,
    });
    const wanted = {
      ...draft('restore', '/f'),
      via: 'bridge' as const,
      removeIntegrations: true,
      onConflict: 'keep_current' as const,
    };
    expect(want(wanted)).toEqual({
      what: 'restore',
      path: '/f',
      via: 'bridge',
      choices: {},
      keep: [],
      remove_integrations: true,
      on_conflict: 'keep_current',
    });
  });

  it('has one choice for each server, and none for one that stays', () => {
    let wanted = choosing(draft('consolidate'), 'github', { choice: 'rename', id: 'github-2' });
    wanted = choosing(wanted, 'files', { choice: 'use_existing' });
    wanted = choosing(wanted, 'github', { choice: 'keep_in_client' });
    expect(want(wanted).choices).toEqual({
      github: { choice: 'keep_in_client' },
      files: { choice: 'use_existing' },
    });
    wanted = keeping(keeping(wanted, 'github', true), 'github', true);
    expect([want(wanted).keep, Object.keys(want(wanted).choices)]).toEqual([['github'], ['files']]);
    expect(want(keeping(wanted, 'github', false)).keep).toEqual([]);
  });

  it('starts mcp-remote as before where that is wanted', () => {
    const wanted = startingAsBefore(startingAsBefore(draft('consolidate'), 'linear', true), 'linear', true);
    expect(want(wanted).as_program).toEqual(['linear']);
    expect(want(startingAsBefore(wanted, 'linear', false)).as_program).toBeUndefined();
  });
});

it('a server keeps its row whatever becomes of it', () => {
  const order = ['z', 'agentport', 'a', 'm'];
  const first = planned({ imports: [imported('a'), imported('z')], conflicts: [taken('m'), taken('x')] });
  expect(alongs(first, {}, order).map(({ server }) => server)).toEqual(['z', 'a', 'm', 'x']);

  const second = planned({
    imports: [imported('z'), imported('m', { id: 'm-2' })],
    left: [{ server: 'a', why: 'kept' }],
  });
  const rows = alongs(second, { m: taken('m'), x: taken('x') }, order);
  expect(rows.map(({ server, as, stays, conflict }) => [server, as?.id, stays, conflict !== null])).toEqual([
    ['z', 'z', null, false],
    ['a', undefined, 'kept', false],
    // Chosen, and can be chosen again.
    ['m', 'm-2', null, true],
  ]);
});

it('a choice that was made stays in view where the server goes nowhere', () => {
  const asked = { m: taken('m') };
  expect(alongs(planned(), asked, ['m'], ['m']).map(({ server }) => server)).toEqual(['m']);
  expect(alongs(planned(), asked, ['m'])).toEqual([]);
});

it('knows an id the gateway takes', () => {
  expect(['a', 'my-files_2', 'a'.repeat(32)].filter(isId)).toHaveLength(3);
  expect(['', '2a', 'A', 'a b', 'a'.repeat(33), 'agentport-2', 'ä'].filter(isId)).toEqual([]);
});

it('what can be undone', () => {
  expect((['connect', 'consolidate', 'disconnect', 'restore'] as const).map(wayBack)).toEqual([
    'disconnect',
    'restore',
    null,
    null,
  ]);
});

it('one that speaks no HTTP has no choice of ways', () => {
  expect(viaOptions(false)).toHaveLength(1);
  expect(viaOptions(true, true).map(({ value }) => value)).toContain('oauth');
  expect(viaOptions(true).map(({ value }) => value)).toEqual(['best', 'http', 'http_environment', 'bridge']);
});

it('names sources by their site', () => {
  const names = [
    'https://www.example.com/a',
    'https://docs.example.com/',
    'https://example.com/b',
    'nonsense',
  ];
  expect(sourceNames(names).map(({ name }) => name)).toEqual([
    'example.com',
    'docs.example.com',
    'example.com (2)',
    'nonsense',
  ]);
});
