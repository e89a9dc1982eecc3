import { expect, it } from 'vitest';
import { diffLines, tally, tallyWords } from './diff';
import { conflictLines } from './hunks';

const DIFF = `--- a/mcp.json
+++ b/mcp.json
@@ -1,4 +1,5 @@
 {
-  "a": 1
+  "a": 1,
+  "b": "--- not a name"

 }
\\ No newline at end of file
`;

it('a diff is told apart line by line', () => {
  const lines = diffLines(DIFF);
  expect(lines.map(({ kind }) => kind)).toEqual([
    'place',
    'kept',
    'removed',
    'added',
    'added',
    'kept',
    'kept',
    'place',
  ]);
  expect(lines[4]?.text).toBe('  "b": "--- not a name"');
  expect(lines[5]?.text).toBe('');
  expect(tally(lines)).toEqual({ added: 2, removed: 1 });
  expect(diffLines('')).toEqual([]);
});

it('what begins like a file’s name is a line where it stands in a hunk', () => {
  expect(diffLines('--- a\n+++ b\n@@ -1 +1 @@\n--- old: yaml\n+++ new: yaml')).toEqual([
    { kind: 'place', text: '@@ -1 +1 @@' },
    { kind: 'removed', text: '-- old: yaml' },
    { kind: 'added', text: '++ new: yaml' },
  ]);
});

it('the lines are counted in words', () => {
  for (const [added, removed, words] of [
    [0, 0, 'No line changes'],
    [1, 0, '1 line added'],
    [0, 2, '2 lines removed'],
    [3, 1, '3 lines added, 1 removed'],
  ] as const) {
    expect(tallyWords({ added, removed })).toBe(words);
  }
});

it('marks of a merge become words', () => {
  const text = 'a\n<<<<<<< now\nb\n=======\nc\n>>>>>>> original\nd ======= e\n';
  expect(conflictLines(text)).toEqual([
    { side: 'both', text: 'a' },
    { side: 'mark', text: 'As it is now' },
    { side: 'now', text: 'b' },
    { side: 'mark', text: 'As it was in the original' },
    { side: 'original', text: 'c' },
    { side: 'both', text: 'd ======= e' },
  ]);
  expect(conflictLines('<<<<<<< now\n=======\nc\n>>>>>>> before\n').map(({ text }) => text)).toEqual([
    'As it is now',
    '(nothing)',
    'As it was in the original',
    'c',
  ]);
  expect(conflictLines('plain')).toEqual([{ side: 'both', text: 'plain' }]);
});
