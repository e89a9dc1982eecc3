"""The Python SDK as an agent on another computer: it reaches the gateway by its external URL alone, signs in, calls a tool, has
a call held for the owner's approval, and renews its token.

Prints one JSON object a line; {"open": URL} is the page for the owner's browser, {"held": ID} the request to approve.
Reads AGENTPORT_TEST_URL; the host in it is on this computer. SSL_CERT_FILE names the authority to trust.
"""

import asyncio
import os
import re
import socket
import ssl
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from sdk_steps import ME, say, text

URL = os.environ["AGENTPORT_TEST_URL"]
resolve = socket.getaddrinfo


def on_this_computer(host, *rest, **named):
    """No name server knows the host of the external URL."""
    if host in (urlsplit(URL).hostname, urlsplit(URL).hostname.encode()):
        host = "127.0.0.1"
    return resolve(host, *rest, **named)


socket.getaddrinfo = on_this_computer


class Memory:
    """Registration and tokens, for as long as the program runs."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def call(client, tool, **arguments):
    call = {"integration_id": "fx", "tool_name": tool, "arguments": arguments}
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
        query = {name: values[0] for name, values in (await arrived).items()}
        return AuthorizationCodeResult(
            code=query.get("code"), state=query.get("state"), iss=query.get("iss")
        )

    metadata = OAuthClientMetadata(
        client_name="Python SDK far away",
        redirect_uris=[f"http://127.0.0.1:{port}/callback"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    auth = OAuthClientProvider(URL, metadata, Memory(), open_page, callback)
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with httpx2.AsyncClient(auth=auth, timeout=120, verify=trust) as http:
        async with Client(streamable_http_client(URL, http_client=http), client_info=ME) as client:
            say({"echo": await call(client, "echo", text="from far away")})
            asked = await call(client, "counter")
            request = re.search(r'request_id="([0-9a-f-]+)"', asked)[1]
            waiting = asyncio.ensure_future(
                client.call_tool("agentport__await_approval", {"request_id": request})
            )
            await asyncio.sleep(2)
            say({"held": request})
            say({"ran": "Still pending" not in text(await waiting)})
            before = auth.context.current_tokens.access_token
            auth.context.token_expiry_time = time.time() - 1
            say({"echo": await call(client, "echo", text="after an hour")})
            say({"refreshed": auth.context.current_tokens.access_token != before})
    listener.close()


asyncio.run(main())
