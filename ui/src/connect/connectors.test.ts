import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';
import { textOf } from '../testing/rendered';
import Connectors from './Connectors.svelte';

vi.mock('../host', async () => ({
  ...(await import('../host/types')),
  host: { desktop: null, request: () => new Promise(() => {}), events: () => () => {} },
}));
vi.hoisted(() =>
  vi.stubGlobal('window', { location: { hash: '', search: '', pathname: '/' }, addEventListener: () => {} }),
);

const shown = (external_url: string | null) =>
  textOf(render(Connectors, { props: { settings: { external_url } } }).body);

it('says what to fill in with the external URL, and what has to be set first without one', () => {
  const on = shown('https://agentport.example.com');
  expect(on).toContain('https://agentport.example.com/mcp');
  expect(on).toContain('OAuth Client ID leave it empty');
  const off = shown(null);
  expect(off).not.toContain('/mcp');
  expect(off).toContain('turn on remote use');
});
