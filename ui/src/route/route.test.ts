import { describe, expect, it } from 'vitest';
import { link, parse, requestOf } from './route';

describe('parse', () => {
  it('reads what link writes', () => {
    for (const [hash, route] of [
      [link.inbox(), { page: 'inbox', tab: 'waiting', id: null }],
      [link.inbox('missed'), { page: 'inbox', tab: 'missed', id: null }],
      [link.approval('0190-a'), { page: 'inbox', tab: 'waiting', id: '0190-a' }],
      [link.approval('0190-a', 'decided'), { page: 'inbox', tab: 'decided', id: '0190-a' }],
      [link.integrations(), { page: 'integrations' }],
      [link.addIntegration(), { page: 'integrations/add' }],
      [link.integration('files'), { page: 'integration', id: 'files' }],
      [link.integration('add'), { page: 'integration', id: 'add' }],
      [link.integration('browse'), { page: 'integration', id: 'browse' }],
      [link.integration('install'), { page: 'integration', id: 'install' }],
      [link.browse(), { page: 'integrations/browse', install: null }],
      [link.install('a b'), { page: 'integrations/browse', install: 'a b' }],
      [link.accounts(), { page: 'accounts' }],
      [link.agents(), { page: 'agents', create: false }],
      [link.newKey(), { page: 'agents', create: true }],
      [link.activity(), { page: 'activity', asks: '' }],
      [
        link.activity({ integration: 'a&b', q: 'ä ö' }),
        { page: 'activity', asks: 'integration=a%26b&q=%C3%A4+%C3%B6' },
      ],
      [link.agent('0190-a'), { page: 'agent', id: '0190-a' }],
      [link.connect(), { page: 'connect', folder: null }],
      [link.connect('/home/me/a b'), { page: 'connect', folder: '/home/me/a b' }],
      [
        link.client('cursor'),
        { page: 'client', id: 'cursor', folder: null, begin: null, file: null, from: null },
      ],
      [
        link.client('claude-desktop', {
          folder: '/a&b',
          begin: 'consolidate',
          file: '/a&b/.mcp.json',
          from: 'welcome',
        }),
        {
          page: 'client',
          id: 'claude-desktop',
          folder: '/a&b',
          begin: 'consolidate',
          file: '/a&b/.mcp.json',
          from: 'welcome',
        },
      ],
      [link.policy(), { page: 'policy', rule: null, agent: null }],
      [link.policy({ rule: '0190-r' }), { page: 'policy', rule: '0190-r', agent: null }],
      [link.settings(), { page: 'settings' }],
      [link.welcome(), { page: 'welcome', code: null }],
      ['#/welcome?code=ABCD', { page: 'welcome', code: 'ABCD' }],
    ] as const) {
      expect(parse(hash), hash).toEqual(route);
    }
  });

  it('takes odd addresses without falling over', () => {
    expect(parse('')).toEqual({ page: 'inbox', tab: 'waiting', id: null });
    expect(parse('#/approvals?tab=nonsense')).toEqual({ page: 'inbox', tab: 'waiting', id: null });
    expect(parse('#/connect/cursor?begin=format-the-disk')).toEqual({
      page: 'client',
      id: 'cursor',
      folder: null,
      begin: null,
      file: null,
      from: null,
    });
    expect(parse('#/connect/a/b').page).toBe('lost');
    expect(parse('#/nowhere')).toEqual({ page: 'lost', path: 'nowhere' });
    expect(parse('#/integrations/a/b')).toEqual({ page: 'lost', path: 'integrations/a/b' });
    expect(parse('#/integrations/install/a/b').page).toBe('lost');
    expect(parse('#/integrations/install/')).toEqual({ page: 'lost', path: 'integrations/install/' });
    expect(parse('#/approvals/%E0%A4%A')).toEqual({ page: 'inbox', tab: 'waiting', id: '%E0%A4%A' });
  });
});

describe('requests', () => {
  it('have an address each', () => {
    expect(parse('#/consents/abc')).toEqual({ page: 'consent', id: 'abc' });
    expect(parse(link.consent('a/b'))).toEqual({ page: 'consent', id: 'a/b' });
    expect(parse('#/consents')).toEqual({ page: 'lost', path: 'consents' });
    expect(link.request({ kind: 'consent', id: 'x' })).toBe(link.consent('x'));
    expect(link.request({ kind: 'call', id: 'x' })).toBe(link.approval('x'));
    expect(requestOf(parse('#/consents/abc'))).toEqual({ kind: 'consent', id: 'abc' });
    expect(requestOf(parse('#/approvals/abc'))).toEqual({ kind: 'call', id: 'abc' });
    expect(requestOf(parse('#/'))).toBeNull();
    expect(requestOf(parse('#/agents'))).toBeNull();
  });
});
