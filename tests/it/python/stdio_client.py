"""The Python SDK as an agent that starts a local program, the bridge: lists, calls an allowed tool, calls one that asks,
awaits the owner.

Prints one JSON object a line. Reads AGENTPORT_TEST_BRIDGE, AGENTPORT_TEST_HOME, AGENTPORT_TEST_KEY and AGENTPORT_TEST_ERA.
"""

import asyncio
import json
import os
import re

from mcp import Client, StdioServerParameters
from mcp.types import Implementation


def say(what):
    print(json.dumps(what), flush=True)


def text(result):
    return "\n".join(getattr(block, "text", "") for block in result.content)


async def main():
    program = StdioServerParameters(
        command=os.environ["AGENTPORT_TEST_BRIDGE"],
        args=["bridge", "--no-start", "--home", os.environ["AGENTPORT_TEST_HOME"]],
        env={"AGENTPORT_API_KEY": os.environ["AGENTPORT_TEST_KEY"], "HOME": os.environ["HOME"]},
    )
    mode = "2026-07-28" if os.environ["AGENTPORT_TEST_ERA"] == "modern" else "legacy"
    me = Implementation(name="sdk-test-python", version="1.0.0")
    async with Client(program, client_info=me, mode=mode) as client:

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
