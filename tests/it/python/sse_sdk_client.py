"""The Python SDK as an agent over HTTP+SSE: the steps of every agent, and the progress of a call.

Prints one JSON object a line. Reads AGENTPORT_TEST_URL, AGENTPORT_TEST_KEY, and AGENTPORT_TEST_MODE: `legacy`, or `auto`,
which asks for 2026-07-28 first.
"""

import asyncio
import os

from mcp import Client
from mcp.client.sse import sse_client

from sdk_steps import ME, say, walk


async def main():
    headers = {"X-API-Key": os.environ["AGENTPORT_TEST_KEY"]}
    transport = sse_client(os.environ["AGENTPORT_TEST_URL"], headers=headers)
    async with Client(transport, client_info=ME, mode=os.environ["AGENTPORT_TEST_MODE"]) as client:
        await walk(client)
        steps = []

        async def heard(progress, total, message):
            steps.append(progress)

        call = {"integration_id": "fx", "tool_name": "test_tool_with_progress", "arguments": {}}
        await client.call_tool("agentport__call_tool", call, progress_callback=heard)
        say({"steps": steps})


asyncio.run(main())
