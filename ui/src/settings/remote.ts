/** The external URL: what it may be, and what a reverse proxy or tunnel on this computer needs for it. Pure. */

/** Why `text` can't be the external URL, or `null`. */
export function externalUrlProblem(text: string): string | null {
  const wanted = 'It is the https address of a host, such as https://agentport.example.com.';
  if (!URL.canParse(text.trim())) return wanted;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text.trim());
  if (protocol !== 'https:') return 'It has to begin with https://.';
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '' || password !== '') {
    return 'The address of the host alone, without a path.';
  }
  return hostname === '' ? wanted : null;
}

/** As it is stored: the origin alone. */
export const externalOrigin = (text: string): string => new URL(text.trim()).origin;

/** What agents on other computers are given. */
export const externalMcpUrl = (origin: string): string => `${origin}/mcp`;

export interface ProxyRecipe {
  name: string;
  /** Where the text belongs. */
  where: string;
  text: string;
}

/** What forwards `origin` to `port` on this computer: it keeps the Host header, and holds nothing back. */
export function proxyRecipes(origin: string, port: number): ProxyRecipe[] {
  const { host, hostname } = new URL(origin);
  const upstream = `127.0.0.1:${port}`;
  return [
    {
      name: 'Caddy',
      where: 'In the Caddyfile. Caddy gets the certificate by itself.',
      text: `${host} {\n\treverse_proxy ${upstream} {\n\t\tflush_interval -1\n\t}\n}`,
    },
    {
      name: 'nginx',
      where: 'In a file of sites-enabled, with the paths of your certificate.',
      text: [
        'server {',
        `    listen ${new URL(origin).port || '443'} ssl;`,
        `    server_name ${hostname};`,
        `    ssl_certificate     /etc/letsencrypt/live/${hostname}/fullchain.pem;`,
        `    ssl_certificate_key /etc/letsencrypt/live/${hostname}/privkey.pem;`,
        '    client_max_body_size 5m;',
        '    location / {',
        `        proxy_pass http://${upstream};`,
        '        proxy_http_version 1.1;',
        '        proxy_set_header Host $http_host;',
        '        proxy_set_header Connection "";',
        '        proxy_buffering off;',
        '        proxy_read_timeout 1h;',
        '    }',
        '}',
      ].join('\n'),
    },
    {
      name: 'Cloudflare Tunnel',
      where: 'In the config.yml of cloudflared, under the tunnel’s id.',
      text: `ingress:\n  - hostname: ${hostname}\n    service: http://${upstream}\n  - service: http_status:404`,
    },
    {
      name: 'Tailscale Funnel',
      where: 'In a terminal. The external URL is the name that it prints.',
      text: `tailscale funnel --bg ${port}`,
    },
  ];
}
