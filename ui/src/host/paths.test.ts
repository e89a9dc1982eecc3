import { describe, expect, it } from 'vitest';
import rust from '../../../src-tauri/agentport-api/src/paths.rs?raw';
import * as paths from './paths';

const named = Object.entries(paths as Record<string, unknown>).filter(
  (entry): entry is [string, string] => typeof entry[1] === 'string',
);

describe('the paths', () => {
  it('of the control API are those of the gateway', () => {
    const served = new Map(
      [...rust.matchAll(/pub const (\w+): &str = "([^"]+)";/g)].map(([, name = '', path = '']) => [
        name,
        path,
      ]),
    );
    expect(served.size).toBeGreaterThan(40);
    for (const [name, path] of named) {
      if (!path.startsWith('/desktop')) expect([name, path]).toEqual([name, served.get(name)]);
    }
  });

  it('take a value as one segment', () => {
    expect(paths.fill(paths.APPROVE, 'a/../b?c#d')).toBe('/control/approvals/a%2F..%2Fb%3Fc%23d/approve');
    expect(paths.fill(paths.PROFILE, '$&größer')).toBe('/control/profiles/%24%26gr%C3%B6%C3%9Fer');
  });

  it('end with a query only where something is asked', () => {
    expect(paths.withQuery(paths.CLIENTS, {})).toBe('/control/clients');
    expect(paths.withQuery(paths.DIRECTORY, { q: 'a&b' })).toBe('/control/available?q=a%26b');
    expect(paths.withQuery(paths.ACTIVITY, 'limit=50')).toBe('/control/activity?limit=50');
  });
});
