import { describe, expect, it } from 'vitest';
import { imported } from './fixtures';
import { commandWords, variableWords } from './runs';

describe('what a server runs', () => {
  it('is shown whole, word by word', () => {
    const far = `true${' '.repeat(3000)}; evil`;
    expect(
      commandWords(imported('a', { command: 'sh', args: ['-c', far, '', "it's", '--token={token}'] })),
    ).toBe(`sh -c '${far}' '' 'it'\\''s' --token={token}`);
    expect(commandWords(imported('a', { command: 'npx', args: [] }))).toBe('npx');
  });

  it('has its variables beside it', () => {
    expect(variableWords({ name: 'BASH_ENV', value: '/tmp/a  b' })).toBe('BASH_ENV=/tmp/a  b');
    expect(variableWords({ name: 'A_TOKEN', value: null })).toBe('A_TOKEN from the vault');
  });

  it('is nothing for a URL', () => {
    const { command: _, ...remote } = imported('a');
    expect(commandWords(remote)).toBeNull();
  });
});
