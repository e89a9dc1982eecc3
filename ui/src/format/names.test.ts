import { expect, it } from 'vitest';
import { isLookAlike, nameText } from './names';

it('prints ordinary names of any script as they are', () => {
  for (const name of [
    'Claude Code',
    'add_note',
    'GitHub 2',
    'Größe Ærø',
    'Почта',
    'Файлы GitHub',
    'Ελληνικά',
    'メール 送信',
    'فایل‌ها',
    '👩‍💻 team',
    '',
  ]) {
    expect(nameText(name), name).toBe(name);
  }
});

it('escapes what cannot be seen in a name, and marks it', () => {
  for (const [name, printed] of [
    ['Git\u200bHub', 'Git⟨U+200B⟩Hub'],
    ['Git\u200dHub', 'Git⟨U+200D⟩Hub'],
    ['GitHub\ufe0f', 'GitHub⟨U+FE0F⟩'],
    ['Claude\u00a0Code', 'Claude⟨U+00A0⟩Code'],
    ['\u202eedoC edualC', '⟨U+202E⟩edoC edualC'],
    ['GitHub\u{e0041}', 'GitHub⟨U+E0041⟩'],
  ] as const) {
    expect(nameText(name)).toBe(`${printed} (look-alike name)`);
  }
});

it('marks letters of another script that look like Latin ones', () => {
  // Cyrillic а and о, a name wholly of such letters, Greek Ο, full-width and mathematical letters.
  for (const name of ['Clаude Code', 'GitHub соpy', 'раухос', 'Οffice', 'ＧitHub', '𝐆itHub']) {
    expect(isLookAlike(name), name).toBe(true);
    expect(nameText(name)).toBe(`${name} (look-alike name)`);
  }
});
