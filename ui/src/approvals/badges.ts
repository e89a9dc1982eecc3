/** What a tool does, as it says of itself or as the owner classified it. And what we can't check. */
import type { Annotations } from '../bindings/Annotations';
import type { Classification } from '../bindings/Classification';
import type { ToolEffect } from '../bindings/ToolEffect';
import type { Tone } from '../format/labels';

export interface Badge {
  text: string;
  tone: Tone;
  meaning: string;
}

/** A tool, or a request for one. */
interface Subject {
  annotations: Annotations;
  effect: ToolEffect;
  /** Of a request: `effect` is the owner's word. */
  classified?: boolean;
  /** Of a tool: the same, and whether it still holds. */
  classification?: Classification | null;
  unchecked: boolean;
}

const DECLARED: Record<ToolEffect, Badge> = {
  reads: { text: 'Reads only', tone: 'good', meaning: 'The tool says it changes nothing.' },
  changes: {
    text: 'Changes things',
    tone: 'quiet',
    meaning: 'The tool says it adds or changes, but does not destroy.',
  },
  undeclared: {
    text: 'Doesn’t say',
    tone: 'warn',
    meaning: 'The tool does not say what it does. It may delete or overwrite, so it is treated that way.',
  },
  destroys: { text: 'Says it destroys', tone: 'bad', meaning: 'The tool says it may delete or overwrite.' },
};

const CLASSIFIED: Record<Exclude<ToolEffect, 'undeclared'>, Badge> = {
  reads: { text: 'Reads only', tone: 'good', meaning: 'You said that it changes nothing.' },
  changes: {
    text: 'Changes things',
    tone: 'quiet',
    meaning: 'You said that it adds or changes, but does not destroy.',
  },
  destroys: { text: 'Destroys', tone: 'bad', meaning: 'You said that it deletes or overwrites.' },
};

/** What the owner can say that a tool does. */
export const CLASSES = Object.entries(CLASSIFIED).map(([effect, { text }]) => ({
  effect: effect as keyof typeof CLASSIFIED,
  text,
}));

/** The effect is the owner's word, said of the tool as it is now. */
export function isClassified({ classified, classification }: Pick<Subject, 'classified' | 'classification'>) {
  return classified ?? (classification ? !classification.outdated : false);
}

/** The harm it can do. Red is for what destroys, amber for what does not say. */
export function harm(subject: Omit<Subject, 'annotations' | 'unchecked'>): Badge {
  const { effect } = subject;
  return effect !== 'undeclared' && isClassified(subject) ? CLASSIFIED[effect] : DECLARED[effect];
}

/** What is shown of a tool wherever it is named, except for {@link harm}. */
export function otherBadges({ annotations, unchecked }: Pick<Subject, 'annotations' | 'unchecked'>): Badge[] {
  const shown: Badge[] = [];
  if (annotations.openWorldHint === true) {
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

/** What is shown of a tool wherever it is named. */
export function badges(subject: Subject): Badge[] {
  return [harm(subject), ...otherBadges(subject)];
}
