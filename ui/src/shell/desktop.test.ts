import { beforeEach, expect, it, vi } from 'vitest';
import { isWebAddress, openExternal } from './desktop';

const here = vi.hoisted(() => ({ desktop: null as object | null, sent: [] as unknown[] }));

vi.mock('../host', () => ({
  host: {
    get desktop() {
      return here.desktop;
    },
    request: async (...request: unknown[]) => here.sent.push(request),
  },
}));

const opened: unknown[] = [];
const activation = { isActive: true };
vi.stubGlobal('window', { open: (...what: unknown[]) => opened.push(what) });
vi.stubGlobal('navigator', { userActivation: activation });

beforeEach(() => {
  here.desktop = null;
  here.sent = [];
  opened.length = 0;
  activation.isActive = true;
});

it('opens only the web and this computer', () => {
  for (const url of [
    'https://example.com/a?b#c',
    'http://127.0.0.1:4747/x',
    'http://localhost/',
    'http://[::1]:1/',
  ]) {
    expect(isWebAddress(url), url).toBe(true);
  }
  for (const url of [
    'http://example.com/',
    'http://localhost.example.com/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'slack://open',
    'https://notion.so@example.com/',
    'example.com',
    '',
  ]) {
    expect(isWebAddress(url), url).toBe(false);
  }
});

it('opens a tab of a browser without a way back to this page', async () => {
  expect(await openExternal('https://example.com/')).toBe(true);
  expect(opened).toEqual([['https://example.com/', '_blank', 'noopener,noreferrer']]);
  await expect(openExternal('javascript:alert(1)')).rejects.toThrow('Only pages on the web');
  expect(opened).toHaveLength(1);
});

it('says that nothing opened where the click is too long ago', async () => {
  activation.isActive = false;
  expect(await openExternal('https://example.com/')).toBe(false);
  expect(opened).toEqual([]);
});

it('leaves it to the desktop app in a window of that', async () => {
  here.desktop = {};
  expect(await openExternal('https://example.com/')).toBe(true);
  expect([opened, here.sent]).toEqual([[], [['POST', '/desktop/open', { url: 'https://example.com/' }]]]);
});
