import { expect, it } from 'vitest';
import { badges, harm } from './badges';

it('keeps red for a tool that says it destroys, and amber for one that is silent', () => {
  for (const [effect, annotations, texts] of [
    ['undeclared', {}, ['Doesn’t say/warn']],
    ['reads', { openWorldHint: false }, ['Reads only/good']],
    ['changes', { openWorldHint: false }, ['Changes things/quiet']],
    ['destroys', { openWorldHint: true }, ['Says it destroys/bad', 'Reaches outside/quiet']],
  ] as const) {
    expect(
      badges({ effect, annotations, unchecked: false }).map(({ text, tone }) => `${text}/${tone}`),
      effect,
    ).toEqual(texts);
  }
});

it('says whose word it is', () => {
  const { text, meaning } = harm({ effect: 'destroys', classified: true });
  expect([text, meaning]).toEqual(['Destroys', 'You said that it deletes or overwrites.']);
  const said = (outdated: boolean) => ({ effect: 'changes', outdated }) as const;
  expect(harm({ effect: 'changes', classification: said(false) }).meaning).toMatch(/^You said/);
  expect(harm({ effect: 'undeclared', classification: said(true) }).text).toBe('Doesn’t say');
  expect(harm({ effect: 'changes', classification: null }).meaning).toMatch(/^The tool says/);
});

it('says when arguments can’t be checked', () => {
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const texts = badges({ effect: 'reads', annotations, unchecked: true }).map(({ text }) => text);
  expect(texts).toEqual(['Reads only', 'Arguments not checked']);
});
