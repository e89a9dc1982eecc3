/** Secrets and recovery codes as they are shown and kept. Pure. */

/** In groups of four, as authenticators ask for it. */
export function grouped(secret: string): string {
  return (
    secret
      .replace(/\s/g, '')
      .match(/.{1,4}/g)
      ?.join(' ') ?? ''
  );
}

/** A file to keep. */
export function codesFile(codes: readonly string[], now: Date): string {
  return [
    `AgentPort recovery codes, made on ${now.toISOString().slice(0, 10)}`,
    'Each is good once, in the place of a one-time code. A person who has one can confirm as you.',
    '',
    ...codes,
    '',
  ].join('\n');
}
