/** A backup as a file: what it is called, and reading one. Pure. */
import type { Backup } from '../bindings/Backup';
import { isObject, parse } from '../host/json';

/** Larger than any backup of settings is. */
export const LARGEST = 10_000_000;

export function fileName(now: Date): string {
  return `agentport-backup-${now.toISOString().slice(0, 10)}.json`;
}

/** Reads a file; what is in it the gateway looks at. Throws an error with a sentence for people. */
export function readBackup(text: string): Backup {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new Error('This file is not a backup of AgentPort: it is not JSON.');
  }
  if (!isObject(document) || typeof document['format'] !== 'number') {
    throw new Error('This file is not a backup of AgentPort.');
  }
  return document as unknown as Backup;
}
