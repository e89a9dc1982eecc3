/** The keyboard of the inbox. Pure, but for {@link busy}, which looks at where the focus is. */

export type Command = 'next' | 'previous' | 'approve' | 'deny' | 'help';

const COMMANDS: Record<string, Command> = {
  j: 'next',
  k: 'previous',
  a: 'approve',
  d: 'deny',
  '?': 'help',
};

/** For the help: what each key does. */
export const SHORTCUTS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ['j'], does: 'Next request' },
  { keys: ['k'], does: 'Previous request' },
  { keys: ['Enter'], does: 'Open the request in focus' },
  { keys: ['a'], does: 'Approve once' },
  { keys: ['d'], does: 'Deny: asks for a reason, Enter confirms' },
  { keys: ['Esc'], does: 'Leave a field, close what is open' },
  { keys: ['?'], does: 'Show these shortcuts' },
];

interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** A key held down must not decide one request after another. */
  repeat: boolean;
}

export function command({ key, ctrlKey, metaKey, altKey, repeat }: Pressed): Command | null {
  if (ctrlKey || metaKey || altKey) return null;
  const found = COMMANDS[key] ?? null;
  return repeat && found !== 'next' && found !== 'previous' ? null : found;
}

/** Is something typed into, or open on top, that the keys belong to? */
export function busy(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      'input, textarea, select, [contenteditable=""], [contenteditable="true"], ' +
        '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]',
    ) !== null
  );
}

/** The one beside `current`, staying at the ends; the first when nothing is current. */
export function step(ids: readonly string[], current: string | null, by: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const at = current === null ? -1 : ids.indexOf(current);
  if (at === -1) return ids[0] ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + by))] ?? null;
}
