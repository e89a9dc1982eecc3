/** What a tool says of itself, as the owner reads it. Hints only: they come from the upstream. */
import type { Annotations } from '../bindings/Annotations';
import type { Tone } from '../words/labels';

export interface Badge {
  text: string;
  tone: Tone;
  meaning: string;
}

/** Silence counts as the MCP schema counts it: may change, may destroy, reaches the outside world. */
export function badges({ readOnlyHint, destructiveHint, openWorldHint }: Annotations): Badge[] {
  const shown: Badge[] = [];
  if (readOnlyHint === true) {
    shown.push({ text: 'Reads only', tone: 'good', meaning: 'The tool says it changes nothing.' });
  } else if (destructiveHint === false) {
    shown.push({
      text: 'May change things',
      tone: 'warn',
      meaning: 'The tool says it adds or changes, but does not destroy.',
    });
  } else {
    const says = destructiveHint === true ? 'The tool says it may delete or overwrite.' : SILENT;
    shown.push({ text: 'May destroy', tone: 'bad', meaning: says });
  }
  if (openWorldHint !== false) {
    const says = openWorldHint === true ? 'The tool says it reaches beyond this integration.' : SILENT;
    shown.push({ text: 'Reaches outside', tone: 'quiet', meaning: says });
  }
  return shown;
}

const SILENT = 'The tool does not say, so this has to be assumed.';
