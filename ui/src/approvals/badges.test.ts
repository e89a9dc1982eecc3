import { expect, it } from 'vitest';
import { badges } from './badges';

it('assumes the worst of silence', () => {
  for (const [annotations, texts] of [
    [{}, ['May destroy', 'Reaches outside']],
    [{ readOnlyHint: true, openWorldHint: false }, ['Reads only']],
    [{ readOnlyHint: true, destructiveHint: true }, ['Reads only', 'Reaches outside']],
    [{ destructiveHint: false, openWorldHint: false }, ['May change things']],
    [{ readOnlyHint: false, destructiveHint: true, openWorldHint: true }, ['May destroy', 'Reaches outside']],
  ] as const) {
    expect(
      badges({ annotations }).map(({ text }) => text),
      JSON.stringify(annotations),
    ).toEqual(texts);
  }
});

it('says when arguments can’t be checked', () => {
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const texts = badges({ annotations, unchecked: true }).map(({ text }) => text);
  expect(texts).toEqual(['Reads only', 'Arguments not checked']);
});
