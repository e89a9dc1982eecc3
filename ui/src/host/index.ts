/**
 * The host these pages run in. Features import it from here and from nowhere else.
 */
import { HttpHost } from './http';
import type { Host } from './types';

let signedOut = () => {};

/** Says what to do when the gateway no longer knows us. */
export function whenSignedOut(then: () => void): void {
  signedOut = then;
}

export const host: Host = new HttpHost(() => signedOut());

export { Refused, Unreachable } from './types';
