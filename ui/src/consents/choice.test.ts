import { expect, it } from 'vitest';
import { chosen, firstChoice } from './choice';
import { consent } from './fixtures';

const known = { id: 'a', name: 'Cursor at work', profile: 'reading' };

it('begins with the agent it was before, else with a new one', () => {
  expect(firstChoice(consent())).toEqual({ as: 'new', name: 'Cursor', profile: '', code: '' });
  expect(firstChoice(consent({ known_as: known })).as).toBe('known');
});

it('sends the agent alone, or a name with a profile where one is chosen', () => {
  const again = consent({ known_as: known });
  expect(chosen(again, { as: 'known', name: '', profile: 'x', code: '' })).toEqual({ agent: 'a' });
  expect(chosen(again, { as: 'new', name: ' Other ', profile: '', code: '' })).toEqual({ name: 'Other' });
  const fresh = consent();
  expect(chosen(fresh, { as: 'new', name: 'Cursor', profile: 'reading', code: '' })).toEqual({
    name: 'Cursor',
    profile: 'reading',
  });
  expect(chosen(fresh, { as: 'new', name: '  ', profile: '', code: '' })).toBeNull();
});

it('wants the digits of the page for what comes from another computer, and for nothing else', () => {
  const choice = firstChoice(consent());
  const far = consent({ remote: true });
  expect(chosen(far, choice)).toBeNull();
  expect(chosen(far, { ...choice, code: '47' })).toBeNull();
  expect(chosen(far, { ...choice, code: ' 4731 ' })).toEqual({ name: 'Cursor', code: '4731' });
  expect(chosen(consent(), { ...choice, code: '4731' })).toEqual({ name: 'Cursor' });
});
