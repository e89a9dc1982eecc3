/**
 * A simple form for arguments, where the tool's input schema is simple enough: a flat object of texts, numbers, yes/no
 * and choices. Everything else is edited as JSON. The gateway validates either way.
 */
import { ExactNumber, isObject, parse } from '../host/json';

export type Kind = 'text' | 'number' | 'integer' | 'flag' | 'choice';

export interface Field {
  name: string;
  title: string;
  description: string | null;
  kind: Kind;
  required: boolean;
  /** For `choice`. */
  options: string[];
}

const KINDS: Record<string, Kind> = { string: 'text', number: 'number', integer: 'integer', boolean: 'flag' };

/** The fields of a form for `args`, or `null` where only JSON will do. */
export function fields(schema: unknown, args: unknown): Field[] | null {
  if (!isObject(schema) || !isObject(args) || !isObject(schema['properties'])) return null;
  const properties = schema['properties'];
  if (Object.keys(args).some((name) => !Object.hasOwn(properties, name))) return null;
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const form: Field[] = [];
  for (const [name, property] of Object.entries(properties)) {
    const field = one(name, property, required.includes(name));
    if (field === null || !fits(field, args[name])) return null;
    form.push(field);
  }
  return form.length > 0 ? form : null;
}

function one(name: string, property: unknown, required: boolean): Field | null {
  if (!isObject(property)) return null;
  const texts = Array.isArray(property['enum']) ? property['enum'] : null;
  if (texts?.some((option) => typeof option !== 'string')) return null;
  const type = property['type'] ?? (texts ? 'string' : undefined);
  const kind = typeof type === 'string' ? KINDS[type] : undefined;
  if (kind === undefined || (texts && kind !== 'text')) return null;
  return {
    name,
    title: typeof property['title'] === 'string' ? property['title'] : name,
    description: typeof property['description'] === 'string' ? property['description'] : null,
    kind: texts ? 'choice' : kind,
    required,
    options: (texts as string[] | null) ?? [],
  };
}

function fits(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  switch (field.kind) {
    case 'text':
      return typeof value === 'string';
    case 'choice':
      return typeof value === 'string' && field.options.includes(value);
    case 'number':
    case 'integer':
      return typeof value === 'number' || value instanceof ExactNumber;
    case 'flag':
      return typeof value === 'boolean';
  }
}

/** A number as typed, in its own spelling, or `null` if it is none. */
export function number(text: string, kind: 'number' | 'integer'): number | ExactNumber | null {
  try {
    const value = parse(text.trim());
    const ok = typeof value === 'number' || value instanceof ExactNumber;
    return ok && (kind === 'number' || /^-?\d+$/.test(text.trim())) ? value : null;
  } catch {
    return null;
  }
}

/** `args` with one value replaced; `undefined` takes it out. The order of the keys stays. */
export function withValue(
  args: Record<string, unknown>,
  name: string,
  value: unknown,
): Record<string, unknown> {
  const entries = Object.entries({ ...args, [name]: value });
  return Object.fromEntries(entries.filter(([, part]) => part !== undefined));
}
