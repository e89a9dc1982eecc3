"""The Python SDK's server of the HTTP+SSE transport (MCP 2024-11-05). Prints its URL.

Reads AGENTPORT_TEST_TOKEN: the bearer token it wants with every request, if it is set. The tool `ask` asks the agent.
"""

import asyncio
import os
import socket

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel

TOKEN = os.environ.get("AGENTPORT_TEST_TOKEN")
server = MCPServer("old")


class Name(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    return text


@server.tool()
async def steps(context: Context) -> str:
    for step in range(3):
        await context.report_progress(step + 1, 3)
    return "stepped"


@server.tool()
async def ask(context: Context) -> str:
    answer = await context.elicit("Who?", Name)
    return answer.data.name if answer.action == "accept" else answer.action


def guarded(app):
    async def guard(scope, receive, send):
        headers = dict(scope.get("headers") or [])
        if TOKEN and headers.get(b"authorization") != b"Bearer " + TOKEN.encode():
            await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return guard


async def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = guarded(server.sse_app())
    config = uvicorn.Config(app, log_level="error", lifespan="off")
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/sse", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


asyncio.run(main())
