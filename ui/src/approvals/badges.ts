/** What a tool says of itself, as the owner reads it: hints only, from the upstream. And what we can't check. */
import type { Annotations } from '../bindings/Annotations';
import type { Tone } from '../format/labels';

export interface Badge {
  text: string;
  tone: Tone;
  meaning: string;
}

interface Subject {
  annotations: Annotations;
  /** Older gateways don't say. */
  unchecked?: boolean;
}

/** Silence counts as the MCP schema counts it: may change, may destroy, reaches the outside world. */
export function badges({ annotations, unchecked = false }: Subject): Badge[] {
  const { readOnlyHint, destructiveHint, openWorldHint } = annotations;
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
  if (unchecked) {
    shown.push({
      text: 'Arguments not checked',
      tone: 'quiet',
      meaning: 'AgentPort can’t use the tool’s input schema, so arguments are passed on as they come.',
    });
  }
  return shown;
}

const SILENT = 'The tool does not say, so this has to be assumed.';
