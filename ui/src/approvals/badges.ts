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

/** What the tool says of the harm it can do. Red is for a tool that says so, amber for one that is silent. */
export function harm({ readOnlyHint, destructiveHint }: Annotations): Badge {
  if (readOnlyHint === true) {
    return { text: 'Reads only', tone: 'good', meaning: 'The tool says it changes nothing.' };
  }
  if (destructiveHint === true) {
    return { text: 'Says it destroys', tone: 'bad', meaning: 'The tool says it may delete or overwrite.' };
  }
  if (destructiveHint === false) {
    const meaning = 'The tool says it adds or changes, but does not destroy.';
    return { text: 'Changes things', tone: 'quiet', meaning };
  }
  const meaning =
    'The tool does not say what it does. It may delete or overwrite, so it is treated that way.';
  return { text: 'Doesn’t say', tone: 'warn', meaning };
}

/** What is shown of a tool wherever it is named. */
export function badges({ annotations, unchecked = false }: Subject): Badge[] {
  const { openWorldHint } = annotations;
  const shown: Badge[] = [];
  shown.push(harm(annotations));
  if (openWorldHint === true) {
    const meaning = 'The tool says it reaches beyond this integration.';
    shown.push({ text: 'Reaches outside', tone: 'quiet', meaning });
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
