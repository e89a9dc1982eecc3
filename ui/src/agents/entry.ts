/** What an agent's configuration needs, ready to paste. The key's header is `X-API-Key`. */

export interface Recipe {
  name: string;
  where: string;
  text: string;
}

export function recipes(mcpUrl: string, key: string): Recipe[] {
  return [
    {
      name: 'JSON',
      where: 'For Cursor, Windsurf and most other clients: in the file with “mcpServers”.',
      text: JSON.stringify(
        { mcpServers: { agentport: { url: mcpUrl, headers: { 'X-API-Key': key } } } },
        null,
        2,
      ),
    },
    {
      name: 'Claude Code',
      where: 'In a terminal.',
      text: `claude mcp add --transport http agentport ${mcpUrl} --header "X-API-Key: ${key}"`,
    },
    {
      name: 'VS Code',
      where: 'In .vscode/mcp.json.',
      text: JSON.stringify(
        { servers: { agentport: { type: 'http', url: mcpUrl, headers: { 'X-API-Key': key } } } },
        null,
        2,
      ),
    },
  ];
}

/** How long a key may live, as offered; days, 0 for ever. */
export const LIFETIMES = [
  { value: '0', label: 'Never' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
];

export function expiresAt(days: number, now: number): string | undefined {
  return days > 0 ? new Date(now + days * 86_400_000).toISOString() : undefined;
}
