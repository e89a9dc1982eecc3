// The TypeScript SDK as an agent that starts a local program, the bridge: lists, calls an allowed tool, calls one that
// asks, awaits the owner. Prints one JSON object a line. Reads AGENTPORT_TEST_BRIDGE, AGENTPORT_TEST_HOME,
// AGENTPORT_TEST_KEY and AGENTPORT_TEST_ERA (legacy: the first generation of the SDK; modern: the second).
import * as newest from "@modelcontextprotocol/client";
import * as newestStdio from "@modelcontextprotocol/client/stdio";
import * as first from "@modelcontextprotocol/sdk/client/index.js";
import * as firstStdio from "@modelcontextprotocol/sdk/client/stdio.js";

const { AGENTPORT_TEST_BRIDGE, AGENTPORT_TEST_HOME, AGENTPORT_TEST_KEY, AGENTPORT_TEST_ERA } =
  process.env;
const modern = AGENTPORT_TEST_ERA === "modern";
const { Client } = modern ? newest : first;
const { StdioClientTransport } = modern ? newestStdio : firstStdio;

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const text = (result) => result.content.map((block) => block.text ?? "").join("\n");
const call = (name, args) => client.callTool({ name, arguments: args });
const callFixture = (tool_name, args) =>
  call("agentport__call_tool", { integration_id: "fx", tool_name, arguments: args });

const client = new Client(
  { name: "sdk-test-typescript", version: "1.0.0" },
  modern ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {},
);
const transport = new StdioClientTransport({
  command: AGENTPORT_TEST_BRIDGE,
  args: ["bridge", "--no-start", "--home", AGENTPORT_TEST_HOME],
  env: { AGENTPORT_API_KEY: AGENTPORT_TEST_KEY, HOME: process.env.HOME },
});
await client.connect(transport);
say({ tools: (await client.listTools()).tools.length });
say({ echo: text(await callFixture("echo", { text: "from far away" })) });
const asked = text(await callFixture("counter", {}));
say({ asked });
const request_id = /request_id="([^"]+)"/.exec(asked)[1];
say({ awaited: text(await call("agentport__await_approval", { request_id })) });
const { pid } = transport;
await client.close();
try {
  process.kill(pid, 0);
  say({ left: pid });
} catch {
  say({ left: null });
}
