"""What the Python SDK does as an agent, however it reached the gateway: lists, calls an allowed tool, calls one that
asks, awaits the owner. Prints one JSON object a line.
"""

import json
import re

from mcp.types import Implementation

ME = Implementation(name="sdk-test-python", version="1.0.0")


def say(what):
    print(json.dumps(what), flush=True)


def text(result):
    return "\n".join(getattr(block, "text", "") for block in result.content)


async def walk(client):
    async def fixture(tool, arguments):
        call = {"integration_id": "fx", "tool_name": tool, "arguments": arguments}
        return text(await client.call_tool("agentport__call_tool", call))

    say({"tools": len((await client.list_tools()).tools)})
    say({"echo": await fixture("echo", {"text": "from far away"})})
    asked = await fixture("counter", {})
    say({"asked": asked})
    request = re.search(r'request_id="([^"]+)"', asked).group(1)
    awaited = await client.call_tool("agentport__await_approval", {"request_id": request})
    say({"awaited": text(awaited)})
