// The TypeScript SDK as an agent over HTTP+SSE: lists, calls an allowed tool, calls one that asks, awaits the owner, hears
// progress, cancels a call, hears that the list has changed. Prints one JSON object a line. Reads AGENTPORT_TEST_URL,
// AGENTPORT_TEST_KEY, and AGENTPORT_TEST_PORT for the tool that is held.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const text = (result) => result.content.map((block) => block.text ?? "").join("\n");
const call = (name, args, options) =>
  client.callTool({ name, arguments: args }, undefined, options);
const callFixture = (tool_name, args, options) =>
  call("agentport__call_tool", { integration_id: "fx", tool_name, arguments: args }, options);

const client = new Client({ name: "sdk-test-typescript", version: "1.0.0" });
const transport = new SSEClientTransport(new URL(process.env.AGENTPORT_TEST_URL), {
  requestInit: { headers: { "X-API-Key": process.env.AGENTPORT_TEST_KEY } },
});
const changed = new Promise((resolve) =>
  client.setNotificationHandler(ToolListChangedNotificationSchema, resolve),
);
await client.connect(transport);
say({ tools: (await client.listTools()).tools.length });
say({ echo: text(await callFixture("echo", { text: "from far away" })) });
const asked = text(await callFixture("counter", {}));
say({ asked });
const request_id = /request_id="([^"]+)"/.exec(asked)[1];
say({ awaited: text(await call("agentport__await_approval", { request_id })) });

const steps = [];
await callFixture("test_tool_with_progress", {}, { onprogress: ({ progress }) => steps.push(progress) });
say({ steps });

const stop = new AbortController();
const held = callFixture("hold", { port: Number(process.env.AGENTPORT_TEST_PORT) }, { signal: stop.signal });
say({ calling: "hold" });
process.stdin.once("data", () => stop.abort("enough"));
say({ cancelled: await held.then(text, (error) => String(error)) });
process.stdin.pause();

await changed;
say({ changed: (await client.listTools()).tools.length });
await client.close();
