/** Short notes at the edge of the window. One at a time is enough for what there is to say. */

export interface Toast {
  text: string;
  action?: { label: string; run: () => void };
}

/** Long enough to read and to reach the button. */
const SHOWN_MS = 8_000;

class Toasts {
  current = $state.raw<Toast | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(toast: Toast): void {
    clearTimeout(this.#timer);
    this.current = toast;
    this.#timer = setTimeout(() => this.close(), SHOWN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.current = null;
  }
}

export const toasts = new Toasts();
