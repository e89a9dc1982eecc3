import { describe, expect, it } from 'vitest';
import { differs } from './differs';
import { imported, planned, taken } from './fixtures';
import { approvedThere, ended, importNotes, listed, planSentences } from './sentences';

const file = (more: object = {}) => [{ path: '/f', is_new: false, is_removed: false, diff: '@@', ...more }];

describe('a plan in sentences', () => {
  it('says what becomes of the file', () => {
    for (const [plan, sentence] of [
      [planned(), 'Cursor gets the entry “agentport” in /f.'],
      [planned({ files: file({ is_new: true }) }), '/f is made, with one entry'],
      [planned({ what: 'disconnect' }), 'The entry “agentport” goes from /f.'],
      [
        planned({ what: 'disconnect', files: file({ is_removed: true, diff: '' }) }),
        '/f goes: there was no such',
      ],
      [planned({ what: 'consolidate' }), '“agentport” takes the place of'],
      [planned({ what: 'restore' }), '/f gets back what was there before.'],
      [planned({ files: file({ target: '/d/real' }) }), 'gets the entry “agentport” in /f → /d/real.'],
      [planned({ what: 'restore', files: file({ is_new: true }) }), '/f is made again, as it was.'],
    ] as const) {
      expect(planSentences(plan)[0]).toContain(sentence);
    }
    expect(planSentences(planned({ files: file({ diff: '' }) }))).toEqual([]);
  });

  it('says what becomes of keys and integrations', () => {
    expect(planSentences(planned({ makes_key_for: 'Cursor 2' }))[1]).toContain(
      'a key for the agent “Cursor 2”',
    );
    expect(planSentences(planned({ signs_out: 'Cursor' }))[1]).toBe(
      'The sign-in of “Cursor” ends: its next call is refused.',
    );
    expect(planSentences(planned({ what: 'disconnect', revokes_key_of: 'Cursor' }))[1]).toContain(
      'The key of “Cursor” is revoked',
    );
    expect(planSentences(planned({ what: 'restore', removes: ['a', 'b', 'c'] }))[1]).toContain(
      'a, b and c are removed here',
    );
  });

  it('counts what comes along and what stays', () => {
    const plan = planned({
      what: 'consolidate',
      imports: [
        imported('a', { secrets: ['env A', 'header B'] }),
        imported('b', { enabled: false }),
        imported('c', { merged: true }),
      ],
      left: [{ server: 'd', why: 'It needs ${workspaceFolder}.' }],
    });
    expect(planSentences(plan).slice(1)).toEqual([
      '2 servers become integrations, 1 of them switched off.',
      'c is an integration already, and that one is used.',
      '2 secrets move to the vault.',
      '1 server stays in Cursor.',
    ]);
    expect(planSentences(planned({ what: 'consolidate', imports: [imported('a')] })).slice(1)).toEqual([
      '1 server becomes an integration.',
    ]);
  });

  it('says of a server what is special about it', () => {
    expect(importNotes(imported('a'))).toEqual([]);
    expect(
      importNotes(imported('a', { secrets: ['env T', 'argument 3'], enabled: false, unknown: ['gallery'] })),
    ).toEqual([
      'Moves to the vault: env T, argument 3.',
      'It is switched off there, and is here as well.',
      'Kept with it, but without effect here: gallery.',
    ]);
    expect(importNotes(imported('a', { merged: true, enabled: false, secrets: ['env T'] }))).toEqual([
      'In the vault already: env T.',
    ]);
  });

  it('proposes, and never says that something is allowed', () => {
    expect(approvedThere(imported('a'), 'Cursor')).toBe('');
    expect(approvedThere(imported('a', { auto_approve: ['x'] }), 'Cursor')).toBe(
      'Cursor runs x without asking. Here it asks until you allow it.',
    );
    expect(approvedThere(imported('a', { auto_approve: ['x', 'y'] }), 'Cursor')).toContain('x and y');
    expect(approvedThere(imported('a', { auto_approve_all: true }), 'Cursor')).toContain('all of its tools');
  });

  it('ends what others say', () => {
    expect(['', 'a comma is missing ', 'Done.', 'really?'].map(ended)).toEqual([
      '',
      'A comma is missing.',
      'Done.',
      'Really?',
    ]);
  });

  it('lists names', () => {
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c']);
  });
});

describe('a plan made anew', () => {
  it('says what is another', () => {
    const before = planned({ what: 'consolidate', imports: [imported('a'), imported('b')] });
    const after = planned({
      what: 'consolidate',
      files: file({ diff: '@@ another' }),
      imports: [imported('a'), imported('c')],
      left: [{ server: 'b', why: 'It refers to ${input:x}.' }],
      conflicts: [taken('d')],
    });
    expect(differs(before, after)).toEqual([
      'What changes in /f is another now.',
      'Comes along as well: c.',
      'No longer comes along: b.',
      'Stays in the client: b.',
      'To be chosen: d.',
    ]);
    expect(differs(before, { ...before, id: 'p2' })).toEqual(['The plan is the same as before.']);
    expect(differs(before, { ...before, files: [] })).toEqual(['Nothing changes in /f any more.']);
  });
});
