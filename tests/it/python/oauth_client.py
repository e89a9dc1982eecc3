"""The Python SDK as an agent that has nothing but the URL: signs in by OAuth where it has to, lists, calls a tool; then its
clock says that the token is over, and it calls once more.

Prints one JSON object a line; {"open": URL} is the page for the owner's browser.
Reads AGENTPORT_TEST_URL, and AGENTPORT_TEST_STORE: the folder its registration and tokens are kept in.
"""

import asyncio
import os
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from sdk_steps import ME, say, text

STORE = Path(os.environ["AGENTPORT_TEST_STORE"])


class FileStore:
    """Registration and tokens, one file each."""

    def load(self, name, model):
        file = STORE / name
        return model.model_validate_json(file.read_text()) if file.exists() else None

    async def get_tokens(self):
        return self.load("tokens.json", OAuthToken)

    async def set_tokens(self, tokens):
        (STORE / "tokens.json").write_text(tokens.model_dump_json())

    async def get_client_info(self):
        return self.load("client.json", OAuthClientInformationFull)

    async def set_client_info(self, client_info):
        (STORE / "client.json").write_text(client_info.model_dump_json())


async def echo(client, words):
    call = {"integration_id": "fx", "tool_name": "echo", "arguments": {"text": words}}
    return text(await client.call_tool("agentport__call_tool", call))


async def main():
    arrived = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        target = (await reader.readline()).split()[1].decode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nDone")
        await writer.drain()
        writer.close()
        arrived.set_result(parse_qs(urlsplit(target).query))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]

    async def open_page(url):
        say({"open": url})

    async def callback():
        query = await arrived
        first = {name: values[0] for name, values in query.items()}
        return AuthorizationCodeResult(
            code=first.get("code"), state=first.get("state"), iss=first.get("iss")
        )

    metadata = OAuthClientMetadata(
        client_name="Python SDK test",
        redirect_uris=[f"http://127.0.0.1:{port}/callback"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    url = os.environ["AGENTPORT_TEST_URL"]
    auth = OAuthClientProvider(url, metadata, FileStore(), open_page, callback)
    async with httpx2.AsyncClient(auth=auth, timeout=120) as http:
        async with Client(streamable_http_client(url, http_client=http), client_info=ME) as client:
            say({"tools": len((await client.list_tools()).tools)})
            say({"echo": await echo(client, "from far away")})
            before = auth.context.current_tokens.access_token
            auth.context.token_expiry_time = time.time() - 1
            say({"echo": await echo(client, "after an hour")})
            say({"refreshed": auth.context.current_tokens.access_token != before})
    listener.close()


asyncio.run(main())
