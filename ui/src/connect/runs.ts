/** What a server that comes along is started with, as one line. Pure. */
import type { ImportView } from '../bindings/ImportView';
import type { VariableView } from '../bindings/VariableView';

const PLAIN = /^[\w./:@=+,%{}-]+$/;

/** The command and its arguments, whole, each in quotation marks where its ends could not be seen; `null` for a URL. */
export function commandWords({ command, args }: Pick<ImportView, 'command' | 'args'>): string | null {
  if (command === undefined) return null;
  return [command, ...args]
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

export function variableWords({ name, value }: VariableView): string {
  return value === null ? `${name} from the vault` : `${name}=${value}`;
}
