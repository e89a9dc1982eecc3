/** What to ask an agent for, to see it ask for permission. */
export const PROMPT = 'Use AgentPort: list my demo notes, then add one that says “hello from my agent”.';
