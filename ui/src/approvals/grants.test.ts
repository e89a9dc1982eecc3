import { describe, expect, it } from 'vitest';
import { WIDER, consequence, coveredToo, granted, mayBeForEveryone, needsConsent, runsNow } from './grants';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const view = {
  agent_name: 'Claude Code',
  tool: 'add_note',
  tool_title: 'Add a note',
  integration_name: 'Demo',
  destructive: false,
};

describe('grants', () => {
  it('go from narrow to wide and never begin with everything', () => {
    expect(WIDER.map(({ choice }) => choice.kind)).toEqual([
      'exact',
      'for',
      'for',
      'for',
      'session',
      'always',
    ]);
  });

  it('say whom and what they let through', () => {
    for (const { choice } of WIDER) {
      const narrow = consequence(choice, 'this_agent', view, NOW);
      expect(narrow).toMatch(/^Claude Code may use Add a note in Demo with (exactly these|any) arguments/);
      expect(consequence(choice, 'every_agent', view, NOW)).toMatch(/^Every agent may use/);
    }
    expect(consequence({ kind: 'once' }, 'this_agent', view, NOW)).toBe(
      'Claude Code may make this one call.',
    );
    expect(consequence({ kind: 'once' }, 'this_agent', { ...view, tool_title: null }, NOW)).not.toContain(
      'null',
    );
  });

  it('for a session are never for every agent', () => {
    const narrow = WIDER.filter(({ choice }) => !mayBeForEveryone(choice)).map(({ choice }) => choice.kind);
    expect(narrow).toEqual(['session']);
  });

  it('want a second yes where a tool may destroy with any arguments', () => {
    const wanting = WIDER.filter(({ choice }) => needsConsent(choice, true)).map(({ choice }) => choice.kind);
    expect(wanting).toEqual(['for', 'for', 'for', 'session', 'always']);
    expect(WIDER.some(({ choice }) => needsConsent(choice, false))).toBe(false);
  });

  it('say what was granted', () => {
    expect(granted({ kind: 'once' }, 'this_agent', NOW)).toBe('Approved once');
    expect(granted({ kind: 'always' }, 'every_agent', NOW)).toBe(
      'Approved, and this tool always, for every agent',
    );
  });
});

describe('other requests that wait', () => {
  it('run too where any arguments are allowed, and nowhere else', () => {
    expect(coveredToo({ kind: 'always' }, 30)).toBe(30);
    expect(coveredToo({ kind: 'for', minutes: 15 }, 30)).toBe(30);
    expect(coveredToo({ kind: 'exact' }, 30)).toBe(0);
    expect(coveredToo({ kind: 'once' }, 30)).toBe(0);
  });

  it('are counted before they run', () => {
    expect(runsNow(0)).toBe('This also runs the call that asks now, and no other that waits.');
    expect(runsNow(1)).toBe('This also runs the call that asks now and the other that waits.');
    expect(runsNow(30)).toBe('This also runs the call that asks now and the 30 others that wait.');
  });
});
