/**
 * The host these pages run in. Features import it from here and from nowhere else.
 */
import type { Confirm } from './confirmations';
import { HttpHost } from './http';
import { TauriHost } from './tauri';
import type { Host } from './types';

let signed = (_signedIn: boolean) => {};
let stopped = () => {};

/** Says what to do when we are signed in or out by another tab, or out because the gateway no longer knows us. */
export function whenSigned(then: (signedIn: boolean) => void): void {
  signed = then;
}

/** Says what to do when a request finds no gateway running in the desktop app. */
export function whenStopped(then: () => void): void {
  stopped = then;
}

const here =
  '__TAURI_INTERNALS__' in window
    ? new TauriHost(() => stopped())
    : new HttpHost((signedIn) => signed(signedIn));

/** Says who asks the owner for a code when the gateway wants a confirmation. */
export function whenConfirming(ask: Confirm): void {
  here.confirmations.ask = ask;
}

export const host: Host = here;

export { Refused, Unreachable } from './types';
export type { DesktopHost } from './types';
