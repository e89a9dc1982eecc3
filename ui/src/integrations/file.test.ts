import { expect, it } from 'vitest';
import { base64 } from './file';

it('writes bytes of any length and value', () => {
  expect(base64(new Uint8Array([0, 255, 80, 75]))).toBe('AP9QSw==');
  expect(base64(new Uint8Array())).toBe('');
  const long = new Uint8Array(100_000).fill(7);
  expect(atob(base64(long)).length).toBe(100_000);
});
