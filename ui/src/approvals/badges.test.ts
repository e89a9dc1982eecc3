import { expect, it } from 'vitest';
import { badges } from './badges';

it('keeps red for a tool that says it destroys, and amber for one that is silent', () => {
  for (const [annotations, texts] of [
    [{}, ['Doesn’t say/warn']],
    [{ readOnlyHint: false }, ['Doesn’t say/warn']],
    [{ readOnlyHint: true, openWorldHint: false }, ['Reads only/good']],
    [{ readOnlyHint: true, destructiveHint: true }, ['Reads only/good']],
    [{ destructiveHint: false, openWorldHint: false }, ['Changes things/quiet']],
    [
      { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
      ['Says it destroys/bad', 'Reaches outside/quiet'],
    ],
  ] as const) {
    expect(
      badges({ annotations }).map(({ text, tone }) => `${text}/${tone}`),
      JSON.stringify(annotations),
    ).toEqual(texts);
  }
});

it('says when arguments can’t be checked', () => {
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const texts = badges({ annotations, unchecked: true }).map(({ text }) => text);
  expect(texts).toEqual(['Reads only', 'Arguments not checked']);
});
