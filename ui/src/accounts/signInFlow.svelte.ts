/**
 * One sign-in as the owner follows it: started, opened in the browser, helped along, taken back, tried again. Where it
 * is, only the gateway says.
 */
import type { SignInView } from '../bindings/SignInView';
import type { StartSignIn } from '../bindings/StartSignIn';
import { signInIsOver } from '../format/accounts';
import { Refused } from '../host';
import { AsyncAction } from '../host/asyncAction.svelte';
import { openExternal } from '../shell/desktop';
import { endSignIn, pasteCallback, startSignIn } from './requests';

export class SignInFlow {
  /** Starts it. */
  starting = new AsyncAction();
  /** Opens the browser. */
  opening = new AsyncAction();
  /** Hands over the address that the browser ended on. */
  pasting = new AsyncAction();
  /** Ends it. */
  ending = new AsyncAction();
  view = $state.raw<SignInView | null>(null);
  /** The browser was opened for this sign-in, as far as is known. */
  opened = $state(false);
  /** Taken back by the owner. */
  cancelled = $state(false);
  /** What it was started with, to start it again. */
  #body: StartSignIn | null = null;
  /** The owner's click that a browser may be opened for. */
  #clicked = false;

  /** The sign-in to ask the gateway about; `null` where there is none that goes on. */
  get watched(): string | null {
    return this.view !== null && !signInIsOver(this.view.state) ? this.view.id : null;
  }

  /** It is shown in the place of what it is started from. */
  get active(): boolean {
    return this.starting.busy || this.view !== null;
  }

  /** Starts for a click of the owner, which opens the browser as well once there is something to open. */
  async start(body: StartSignIn): Promise<void> {
    await this.starting.run(async () => {
      this.#body = body;
      this.cancelled = false;
      const view = await startSignIn(body);
      this.#begin(view);
      this.#clicked = true;
      this.show(view);
    });
  }

  /** Goes on with one that is under way, and opens nothing by itself. */
  adopt(view: SignInView): void {
    this.#body = { integration: view.integration };
    if (view.account !== null) this.#body.account = view.account;
    this.#begin(view);
  }

  /** Takes over where it is now. */
  show(view: SignInView): void {
    if (view.id !== this.view?.id) return;
    this.view = view;
    if (view.state.state === 'waiting_for_consent' && this.#clicked) {
      this.#clicked = false;
      void this.open();
    }
  }

  /** The gateway no longer knows it. */
  lose(): void {
    if (this.view === null || this.watched === null) return;
    const message = 'This sign-in has ended before it was finished. Nothing was kept.';
    this.view = { ...this.view, state: { state: 'failed', message } };
  }

  /** Opens the provider's page in the browser. */
  async open(): Promise<void> {
    const state = this.view?.state;
    if (state?.state !== 'waiting_for_consent') return;
    await this.opening.run(async () => {
      this.opened = await openExternal(state.authorization_url);
    });
  }

  /** Goes on with the address that a browser on another computer ended on. */
  async paste(url: string): Promise<boolean> {
    const id = this.watched;
    if (id === null) return false;
    return this.pasting.run(async () => this.show(await pasteCallback(id, { url: url.trim() })));
  }

  /** Starts again with a client that the owner registered. */
  giveClient(client_id: string, client_secret: string): Promise<void> {
    const body: StartSignIn = { ...this.#again(), client_id: client_id.trim() };
    if (client_secret.trim() !== '') body.client_secret = client_secret.trim();
    return this.start(body);
  }

  retry(): Promise<void> {
    return this.start(this.#again());
  }

  /** Leaves one that has ended, for what it was started from. */
  leave(): void {
    if (this.watched !== null) return;
    this.view = null;
    this.starting.error = null;
  }

  /** Ends it; nothing of it is kept. */
  async cancel(): Promise<void> {
    const id = this.watched;
    const ended = await this.ending.run(async () => {
      try {
        if (id !== null) await endSignIn(id);
      } catch (error) {
        // It came to its end by itself a moment ago.
        if (!(error instanceof Refused && error.status === 404)) throw error;
      }
    });
    if (!ended || (id !== null && this.watched !== id)) return;
    this.cancelled = id !== null;
    this.view = null;
  }

  #begin(view: SignInView): void {
    this.view = view;
    this.opened = false;
    this.#clicked = false;
    this.opening.error = null;
    this.pasting.error = null;
    this.ending.error = null;
  }

  #again(): StartSignIn {
    return this.#body ?? { integration: this.view?.integration ?? '' };
  }
}
