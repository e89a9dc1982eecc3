"""The Python SDK as an agent: lists, calls an allowed tool, calls one that asks, awaits the owner.

Prints one JSON object a line. Reads AGENTPORT_TEST_URL and AGENTPORT_TEST_KEY.
"""

import asyncio
import json
import os
import re

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation


def say(what):
    print(json.dumps(what), flush=True)


def text(result):
    return "\n".join(getattr(block, "text", "") for block in result.content)


async def main():
    headers = {"Authorization": "Bearer " + os.environ["AGENTPORT_TEST_KEY"]}
    async with httpx2.AsyncClient(headers=headers, timeout=120) as http:
        transport = streamable_http_client(os.environ["AGENTPORT_TEST_URL"], http_client=http)
        me = Implementation(name="sdk-test-python", version="1.0.0")
        async with Client(transport, client_info=me) as client:

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


asyncio.run(main())
