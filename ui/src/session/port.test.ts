import { expect, it } from 'vitest';
import { otherPort, usablePort } from './port';

it('takes ports that need no rights', () => {
  expect(['1024', '4747', '65535'].map(usablePort)).toEqual([true, true, true]);
  for (const bad of ['', '80', '1023', '65536', '4747 ', '04747x', '-4747', '4e3', '00080']) {
    expect(usablePort(bad), bad).toBe(false);
  }
});

it('offers another', () => {
  expect([4747, 65_500].map(otherPort)).toEqual([4847, 1124]);
});
