// The TypeScript SDK as an agent of the direct mode: lists all tools, and calls one whose output schema was unusable.
// Prints one JSON object. Reads AGENTPORT_TEST_URL and AGENTPORT_TEST_KEY.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const client = new Client({ name: "sdk-test-typescript", version: "1.0.0" });
const transport = new StreamableHTTPClientTransport(new URL(process.env.AGENTPORT_TEST_URL), {
  requestInit: { headers: { "X-API-Key": process.env.AGENTPORT_TEST_KEY } },
});
await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const called = await client.callTool({ name: "fx__dangling", arguments: {} });
process.stdout.write(JSON.stringify({ tools, structured: called.structuredContent }));
await client.close();
