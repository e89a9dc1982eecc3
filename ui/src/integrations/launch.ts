/** Values of a local server that the owner fills in. Pure. */
import type { FieldValues } from '../bindings/FieldValues';
import type { LaunchField } from '../bindings/LaunchField';

/** What stands in the form: one text for each value of a field. */
export type Filled = Record<string, string[]>;

/** What the form begins with: the defaults, and one empty line where there is none. */
export function initial(fields: readonly LaunchField[]): Filled {
  return Object.fromEntries(
    fields.map(({ name, default: known }) => [name, known.length > 0 ? [...known] : ['']]),
  );
}

/** Are all fields filled in that have to be? */
export function complete(fields: readonly LaunchField[], filled: Filled): boolean {
  return fields.every(({ name, required }) => !required || lines(filled, name).length > 0);
}

/** As the gateway takes it: secrets apart, and an emptied field as the choice of nothing. */
export function toValues(fields: readonly LaunchField[], filled: Filled): FieldValues {
  const shown: Record<string, string[]> = {};
  const secrets: Record<string, string> = {};
  for (const { name, kind } of fields) {
    const values = lines(filled, name);
    if (kind !== 'secret') shown[name] = values;
    else if (values[0] !== undefined) secrets[name] = values[0];
  }
  return { fields: shown, secrets };
}

/** The values that are no blanks. A secret is taken as it is. */
function lines(filled: Filled, name: string): string[] {
  return (filled[name] ?? []).map((text) => text.trim()).filter((text) => text !== '');
}
