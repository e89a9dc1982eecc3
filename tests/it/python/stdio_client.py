"""The Python SDK as an agent that starts a local program, the bridge.

Reads AGENTPORT_TEST_BRIDGE, AGENTPORT_TEST_HOME, AGENTPORT_TEST_KEY and AGENTPORT_TEST_ERA.
"""

import asyncio
import os

from mcp import Client, StdioServerParameters

from sdk_steps import ME, walk


async def main():
    program = StdioServerParameters(
        command=os.environ["AGENTPORT_TEST_BRIDGE"],
        args=["bridge", "--no-start", "--home", os.environ["AGENTPORT_TEST_HOME"]],
        env={"AGENTPORT_API_KEY": os.environ["AGENTPORT_TEST_KEY"], "HOME": os.environ["HOME"]},
    )
    mode = "2026-07-28" if os.environ["AGENTPORT_TEST_ERA"] == "modern" else "legacy"
    async with Client(program, client_info=ME, mode=mode) as client:
        await walk(client)


asyncio.run(main())
