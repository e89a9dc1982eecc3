"""The Python SDK as an agent over HTTP. Reads AGENTPORT_TEST_URL and AGENTPORT_TEST_KEY."""

import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sdk_steps import ME, walk


async def main():
    headers = {"Authorization": "Bearer " + os.environ["AGENTPORT_TEST_KEY"]}
    async with httpx2.AsyncClient(headers=headers, timeout=120) as http:
        transport = streamable_http_client(os.environ["AGENTPORT_TEST_URL"], http_client=http)
        async with Client(transport, client_info=ME) as client:
            await walk(client)


asyncio.run(main())
