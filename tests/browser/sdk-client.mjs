// The TypeScript SDK as an agent: lists, calls an allowed tool, calls one that asks, awaits the owner.
// Prints one JSON object a line. Reads AGENTPORT_TEST_URL and AGENTPORT_TEST_KEY.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const text = (result) => result.content.map((block) => block.text ?? "").join("\n");
const call = (name, args) => client.callTool({ name, arguments: args });
const callFixture = (tool_name, args) =>
  call("agentport__call_tool", { integration_id: "fx", tool_name, arguments: args });

const client = new Client({ name: "sdk-test-typescript", version: "1.0.0" });
const transport = new StreamableHTTPClientTransport(new URL(process.env.AGENTPORT_TEST_URL), {
  requestInit: { headers: { "X-API-Key": process.env.AGENTPORT_TEST_KEY } },
});
await client.connect(transport);
say({ tools: (await client.listTools()).tools.length });
say({ echo: text(await callFixture("echo", { text: "from far away" })) });
const asked = text(await callFixture("counter", {}));
say({ asked });
const request_id = /request_id="([^"]+)"/.exec(asked)[1];
say({ awaited: text(await call("agentport__await_approval", { request_id })) });
await client.close();
