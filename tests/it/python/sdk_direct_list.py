"""The Python SDK as an agent of the direct mode: lists all tools, and calls one whose output schema was unusable.

Prints one JSON object. Reads AGENTPORT_TEST_URL and AGENTPORT_TEST_KEY.
"""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sdk_steps import ME


async def main():
    headers = {"Authorization": "Bearer " + os.environ["AGENTPORT_TEST_KEY"]}
    async with httpx2.AsyncClient(headers=headers, timeout=120) as http:
        transport = streamable_http_client(os.environ["AGENTPORT_TEST_URL"], http_client=http)
        async with Client(transport, client_info=ME) as client:
            listed = await client.list_tools()
            called = await client.call_tool("fx__dangling", {})
            names = [tool.name for tool in listed.tools]
            print(json.dumps({"tools": names, "structured": called.structured_content}))


asyncio.run(main())
