import { expect, it } from 'vitest';
import { wait } from './backoff';

it('doubles up to half a minute and spreads', () => {
  expect([0, 1, 2, 4, 5, 50].map((n) => wait(n, 0.5))).toEqual([1000, 2000, 4000, 16000, 30000, 30000]);
  expect(wait(0, 0)).toBe(800);
  expect(wait(0, 1)).toBe(1200);
});
