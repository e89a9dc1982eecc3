/** Where the focus goes when something opens. */

const FIELDS = 'input:not([type="hidden"]), textarea, select';
const TEXT_FIELDS = 'input:not([type="hidden"], [type="radio"], [type="checkbox"]), textarea';

/** An attachment for what opens within a page: scrolls it into view and puts the focus into its first field. */
export function focusFirst(opened: HTMLElement): void {
  opened.scrollIntoView({ block: 'nearest' });
  opened.querySelector<HTMLElement>(FIELDS)?.focus({ preventScroll: true });
}

/** Keeps a dialog with a text field open when the owner clicks beside it: what was typed would be lost. */
export function keepTyped(dialog: HTMLElement | null, event: Event): void {
  if (dialog?.querySelector(TEXT_FIELDS)) event.preventDefault();
}
