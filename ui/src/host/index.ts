/**
 * The host these pages run in. Features import it from here and from nowhere else.
 */
import { HttpHost } from './http';
import type { Host } from './types';

let signed = (_signedIn: boolean) => {};

/** Says what to do when we are signed in or out by another tab, or out because the gateway no longer knows us. */
export function whenSigned(then: (signedIn: boolean) => void): void {
  signed = then;
}

export const host: Host = new HttpHost((signedIn) => signed(signedIn));

export { Refused, Unreachable } from './types';
