// The TypeScript SDK as an agent that has nothing but the URL: signs in by OAuth where it has to, lists, calls a tool.
// Prints one JSON object a line; {"open": URL} is the page for the owner's browser.
// Reads AGENTPORT_TEST_URL, and AGENTPORT_TEST_STORE: the folder its registration and tokens are kept in.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const file = (name) => join(process.env.AGENTPORT_TEST_STORE, name);
const load = (name) => (existsSync(file(name)) ? JSON.parse(readFileSync(file(name), "utf8")) : undefined);
const save = (name, value) => writeFileSync(file(name), JSON.stringify(value));

// The port is the system's choice each time, as with most clients.
let arrived;
const callback = new Promise((resolve) => (arrived = resolve));
const listener = createServer((request, response) => {
  response.end("You can close this page.");
  arrived(new URL(request.url, "http://127.0.0.1"));
});
await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;

let verifier;
const state = crypto.randomUUID();
const provider = {
  redirectUrl,
  clientMetadata: {
    client_name: "TypeScript SDK test",
    redirect_uris: ["http://127.0.0.1/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => state,
  clientInformation: () => load("client.json"),
  saveClientInformation: (client) => save("client.json", client),
  tokens: () => load("tokens.json"),
  saveTokens: (tokens) => save("tokens.json", tokens),
  saveCodeVerifier: (value) => (verifier = value),
  codeVerifier: () => verifier,
  redirectToAuthorization: (url) => say({ open: url.href }),
  invalidateCredentials: (scope) => {
    say({ invalidated: scope });
    if (scope === "all" || scope === "client") rmSync(file("client.json"), { force: true });
    if (scope === "all" || scope === "tokens") rmSync(file("tokens.json"), { force: true });
  },
};

const connect = async () => {
  const client = new Client({ name: "oauth-test-typescript", version: "1.0.0" });
  const url = new URL(process.env.AGENTPORT_TEST_URL);
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const arrival = await callback;
    if (arrival.searchParams.get("state") !== state) throw new Error("another state came back");
    await transport.finishAuth(arrival.searchParams.get("code"));
    return connect();
  }
  return client;
};

const client = await connect();
say({ tools: (await client.listTools()).tools.length });
const echo = { integration_id: "fx", tool_name: "echo", arguments: { text: "from far away" } };
const result = await client.callTool({ name: "agentport__call_tool", arguments: echo });
say({ echo: result.content.map((block) => block.text ?? "").join("\n") });
await client.close();
listener.close();
