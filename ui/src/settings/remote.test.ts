import { describe, expect, it } from 'vitest';
import { externalMcpUrl, externalOrigin, externalUrlProblem, proxyRecipes } from './remote';

describe('the external URL', () => {
  it('is the https origin of a host', () => {
    for (const fine of ['https://a.example', ' https://a.example/ ', 'https://a.example:8443']) {
      expect(externalUrlProblem(fine), fine).toBeNull();
    }
    for (const wrong of ['', 'a.example', 'https://', 'not a url']) {
      expect(externalUrlProblem(wrong), wrong).not.toBeNull();
    }
    expect(externalUrlProblem('http://a.example')).toContain('https://');
    for (const more of ['https://a.example/mcp', 'https://a.example?x', 'https://u:p@a.example']) {
      expect(externalUrlProblem(more), more).toContain('without a path');
    }
    expect(externalOrigin(' https://a.example/ ')).toBe('https://a.example');
    expect(externalMcpUrl('https://a.example')).toBe('https://a.example/mcp');
  });
});

describe('what a proxy needs', () => {
  const recipes = proxyRecipes('https://a.example:8443', 4748);
  const text = (name: string) => recipes.find((recipe) => recipe.name === name)?.text ?? '';

  it('goes to the port on this computer, whatever forwards it', () => {
    for (const { name, text } of recipes) expect(text, name).toContain('4748');
  });

  it('keeps the Host header and holds nothing back', () => {
    expect(text('nginx')).toContain('proxy_set_header Host $http_host;');
    expect(text('nginx')).toContain('proxy_buffering off;');
    expect(text('nginx')).toContain('listen 8443 ssl;');
    expect(text('Caddy')).toContain('a.example:8443 {');
    expect(text('Caddy')).toContain('flush_interval -1');
    expect(text('Cloudflare Tunnel')).toContain('hostname: a.example\n');
  });
});
