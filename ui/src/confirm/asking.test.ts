import { expect, it } from 'vitest';
import { asking } from './asking.svelte';

it('asks once, however many wait', async () => {
  const both = Promise.all([asking.ask('Allowing needs a code.'), asking.ask('So does this.')]);
  expect(asking.why).toBe('Allowing needs a code.');
  asking.answer('token');
  expect(await both).toEqual(['token', 'token']);
  expect(asking.why).toBeNull();
});

it('asks anew after an answer, and takes no for one', async () => {
  const first = asking.ask('First.');
  asking.answer(null);
  expect(await first).toBeNull();
  const second = asking.ask('Second.');
  expect(asking.why).toBe('Second.');
  asking.answer('again');
  expect(await second).toBe('again');
  asking.answer('nobody asked');
  expect(asking.why).toBeNull();
});
