import { expect, it } from 'vitest';
import { chosen, firstChoice } from './choice';
import { consent } from './fixtures';

const known = { id: 'a', name: 'Cursor at work', profile: 'reading' };

it('begins with the agent it was before, else with a new one', () => {
  expect(firstChoice(consent())).toEqual({ as: 'new', name: 'Cursor', profile: '' });
  expect(firstChoice(consent({ known_as: known })).as).toBe('known');
});

it('sends the agent alone, or a name with a profile where one is chosen', () => {
  const again = consent({ known_as: known });
  expect(chosen(again, { as: 'known', name: '', profile: 'x' })).toEqual({ agent: 'a' });
  expect(chosen(again, { as: 'new', name: ' Other ', profile: '' })).toEqual({ name: 'Other' });
  const fresh = consent();
  expect(chosen(fresh, { as: 'new', name: 'Cursor', profile: 'reading' })).toEqual({
    name: 'Cursor',
    profile: 'reading',
  });
  expect(chosen(fresh, { as: 'new', name: '  ', profile: '' })).toBeNull();
});
