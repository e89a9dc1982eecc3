/** What an agent's configuration needs, ready to paste. The key's header is `X-API-Key`. */
import type { Status } from '../bindings/Status';

type Gateway = Pick<Status, 'mcp_url' | 'home'>;

/** Nothing is known of the gateway yet. */
export const NO_GATEWAY: Gateway = { mcp_url: '', home: '' };

export interface Recipe {
  name: string;
  where: string;
  text: string;
}

const json = (value: unknown) => JSON.stringify(value, null, 2);

/** Where a client connects that knows no transport newer than SSE (MCP 2024-11-05). */
export const sseUrl = (mcpUrl: string): string => mcpUrl.replace(/\/mcp$/, '/sse');

/** `home` is where the gateway keeps its data, by which a program on this computer finds it. */
export function recipes({ mcp_url: mcpUrl, home }: Gateway, key: string): Recipe[] {
  const headers = { 'X-API-Key': key };
  const header = `X-API-Key: ${key}`;
  return [
    {
      name: 'Claude Code',
      where: 'In a terminal.',
      text: `claude mcp add --transport http agentport ${mcpUrl} --header "${header}"`,
    },
    {
      name: 'Claude Desktop',
      where:
        'In claude_desktop_config.json. It starts local programs only: “agentport” has to be where it looks for them.',
      text: json({
        mcpServers: {
          agentport: {
            command: 'agentport',
            args: ['bridge', '--home', home],
            env: { AGENTPORT_API_KEY: key },
          },
        },
      }),
    },
    {
      name: 'Cursor',
      where: 'In ~/.cursor/mcp.json, and in most other clients’ file with “mcpServers”.',
      text: json({ mcpServers: { agentport: { url: mcpUrl, headers } } }),
    },
    {
      name: 'VS Code',
      where: 'In .vscode/mcp.json.',
      text: json({ servers: { agentport: { type: 'http', url: mcpUrl, headers } } }),
    },
    {
      name: 'Codex',
      where: 'In ~/.codex/config.toml.',
      text: `[mcp_servers.agentport]\nurl = "${mcpUrl}"\nhttp_headers = { "X-API-Key" = "${key}" }`,
    },
    {
      name: 'Gemini CLI',
      where: 'In ~/.gemini/settings.json.',
      text: json({ mcpServers: { agentport: { httpUrl: mcpUrl, headers } } }),
    },
    {
      name: 'Windsurf',
      where: 'In ~/.codeium/windsurf/mcp_config.json.',
      text: json({ mcpServers: { agentport: { serverUrl: mcpUrl, headers } } }),
    },
  ];
}

/** How long a key may live, as offered: in days, for ever, or until a day of the owner's. */
export const LIFETIMES = [
  { value: 'never', label: 'Never' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'date', label: 'On a day…' },
] as const;
export type Lifetime = (typeof LIFETIMES)[number]['value'];

/** When a key ends, `undefined` for never, `null` while no day is chosen. Its last day counts whole. */
export function expiresAt(lifetime: Lifetime, day: string, now: number): string | undefined | null {
  if (lifetime === 'never') return undefined;
  if (lifetime !== 'date') return new Date(now + Number(lifetime) * 86_400_000).toISOString();
  const midnight = new Date(`${day}T24:00`);
  return Number.isNaN(midnight.getTime()) || midnight.getTime() <= now ? null : midnight.toISOString();
}
