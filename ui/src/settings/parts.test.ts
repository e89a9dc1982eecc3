import { describe, expect, it } from 'vitest';
import { fileName, readBackup } from './backup';
import { codesFile, grouped } from './codes';
import { pathOf, QUIET, sizeOf } from './qr';
import { silentUntil } from './silence';

const NOW = new Date('2026-01-31T12:00:00Z');

/** The modules a path covers, read back from it. */
function covered(path: string): Set<string> {
  const dark = new Set<string>();
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = 0; at < Number(length); at += 1) dark.add(`${Number(x) + at},${y}`);
  }
  return dark;
}

describe('a QR code', () => {
  it('is dark where its rows are, with a margin around', () => {
    const rows = ['1101', '0000', '1111', '0110'];
    const path = pathOf(rows);
    const dark = covered(path);
    rows.forEach((row, y) =>
      [...row].forEach((module, x) =>
        expect(dark.has(`${x + QUIET},${y + QUIET}`), `${x},${y}`).toBe(module === '1'),
      ),
    );
    expect(dark.size).toBe(9);
    expect(sizeOf(rows)).toBe(12);
    // Nothing else is drawn than what was read back.
    expect(path.replaceAll(/M\d+ \d+h(\d+)v1h-\1z/g, '')).toBe('');
  });
});

describe('codes', () => {
  it('are shown in groups and kept one a line', () => {
    expect(grouped('JBSWY3DPEHPK3PXP')).toBe('JBSW Y3DP EHPK 3PXP');
    expect(grouped('ABCDE')).toBe('ABCD E');
    expect(grouped('')).toBe('');
    expect(codesFile(['one', 'two'], NOW).split('\n').slice(2)).toEqual(['', 'one', 'two', '']);
  });
});

it('silence ends in minutes, or in the morning', () => {
  expect(silentUntil('15', NOW.getTime())).toBe('2026-01-31T12:15:00.000Z');
  const morning = new Date(silentUntil('tomorrow', new Date(2026, 11, 31, 23, 50).getTime()));
  expect([morning.getFullYear(), morning.getDate(), morning.getHours(), morning.getMinutes()]).toEqual([
    2027, 1, 8, 0,
  ]);
});

it('a backup is read, and what is none is said to be none', () => {
  expect(fileName(NOW)).toBe('agentport-backup-2026-01-31.json');
  expect(readBackup('{"format":1,"rules":[]}')).toEqual({ format: 1, rules: [] });
  for (const bad of ['', 'text', '[]', '{}', '{"format":"1"}', 'null']) {
    expect(() => readBackup(bad), bad).toThrow(/not a backup/);
  }
});
