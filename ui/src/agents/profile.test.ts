import { describe, expect, it } from 'vitest';
import type { KeyView } from '../bindings/KeyView';
import type { Profile } from '../bindings/Profile';
import { BLANK, hiddenBy, shows, summary, toggled, usersOf, wrongPattern } from './profile';

const names = new Map([
  ['demo', 'Demo'],
  ['files', 'Files'],
]);

describe('a profile', () => {
  it('is said in a line', () => {
    for (const [parts, words] of [
      [{}, 'Sees every integration'],
      [{ integrations: [] }, 'Sees no integration'],
      [{ integrations: ['demo'] }, 'Sees Demo'],
      [{ integrations: ['demo', 'files', 'gone'] }, 'Sees Demo, Files and gone'],
      [{ tags: ['work', 'private'] }, 'Sees integrations tagged work or private'],
      [{ integrations: ['demo'], tags: ['work'] }, 'Sees Demo, where tagged work'],
      [{ hidden_tools: ['demo/a'] }, 'Sees every integration; 1 tool hidden'],
      [{ hidden_tools: ['demo/a*'] }, 'Sees every integration; some tools hidden'],
      [{ mode: 'direct' }, 'Sees every integration; tools listed one by one'],
      [{ mode: 'direct', naming: 'bare' }, 'Sees every integration; tools listed by their own names'],
      [{ naming: 'bare' }, 'Sees every integration'],
    ] as [Partial<Profile>, string][]) {
      expect(summary({ ...BLANK, ...parts }, names)).toBe(words);
    }
  });

  it('shows what the gateway shows', () => {
    const profile: Profile = { ...BLANK, integrations: ['files'], tags: ['a'] };
    expect(shows(profile, 'files', ['b', 'a'])).toBe(true);
    expect(shows(profile, 'files', ['b'])).toBe(false);
    expect(shows(profile, 'mail', ['a'])).toBe(false);
    expect(shows(BLANK, 'mail', [])).toBe(true);
  });

  it('hides tools by name and by pattern', () => {
    const hidden = ['files/write*', 'files/write_file', 'files/move'];
    expect(hiddenBy(hidden, 'files', 'write_file')).toBe('files/write_file');
    expect(hiddenBy(hidden, 'files', 'write_all')).toBe('files/write*');
    expect(hiddenBy(hidden, 'files', 'move_file')).toBeNull();
    expect(hiddenBy(hidden, 'mail', 'write_mail')).toBeNull();
    expect(hiddenBy(['files/*'], 'files2', 'x')).toBeNull();
    expect(toggled(hidden, 'files/move', false)).toEqual(['files/write*', 'files/write_file']);
    expect(toggled(['a'], 'a', true)).toEqual(['a']);
  });

  it('takes patterns that can match', () => {
    const wrong = (text: string) => wrongPattern(text, ['files/old'], ['files']);
    for (const good of ['files/write', ' files/write* ', 'files/*', 'files/a/b']) {
      expect(wrong(good), good).toBeNull();
    }
    for (const bad of ['', 'files', 'files/', 'mail/send', 'files/*write', 'files/old']) {
      expect(wrong(bad), bad).not.toBeNull();
    }
  });

  it('knows whose it is', () => {
    const key = (name: string, revoked: boolean) =>
      ({ name, profile: 'work', revoked_at: revoked ? '2026-01-31T12:00:00Z' : null }) as KeyView;
    expect(usersOf('work', [key('a', false), key('b', true)]).map(({ name }) => name)).toEqual(['a']);
    expect(usersOf('home', [key('a', false)])).toEqual([]);
  });
});
