"""An MCP server with an authorization server, both of the Python SDK: discovery, registration, PKCE, client
authentication and token requests are the library's.

Prints one JSON line {"url": …} when it listens. Consent is given at once.
DIR/tokens   one line for each answer of the token endpoint: `code` or `refresh`
DIR/expire   if it is there: every access token so far is over, once
Usage: oauth_server.py DIR
"""

import asyncio
import json
import os
import secrets
import socket
import sys
import time

import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken

DIR = sys.argv[1]
LIFE_SECONDS = 3600


def write_line(name, line):
    with open(os.path.join(DIR, name), "a") as file:
        file.write(line + "\n")


class MemoryProvider:
    """Clients, codes and tokens in memory."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.clients = {}
        self.codes = {}
        self.refresh_tokens = {}
        self.access_tokens = {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        code = "code-" + secrets.token_hex(16)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or ["tools"],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="ada",
        )
        return construct_redirect_uri(
            str(params.redirect_uri), code=code, state=params.state, iss=self.issuer
        )

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        write_line("tokens", "code")
        return self.issue(authorization_code, authorization_code.scopes)

    async def load_refresh_token(self, client, refresh_token):
        return self.refresh_tokens.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        del self.refresh_tokens[refresh_token.token]
        write_line("tokens", "refresh")
        return self.issue(refresh_token, scopes or refresh_token.scopes)

    def issue(self, grant, scopes):
        common = {
            "client_id": grant.client_id,
            "scopes": scopes,
            "resource": grant.resource,
            "subject": grant.subject,
        }
        access, refresh = "access-" + secrets.token_hex(16), "refresh-" + secrets.token_hex(16)
        self.access_tokens[access] = AccessToken(
            token=access, expires_at=int(time.time()) + LIFE_SECONDS, **common
        )
        self.refresh_tokens[refresh] = RefreshToken(token=refresh, **common)
        return OAuthToken(
            access_token=access,
            token_type="Bearer",
            expires_in=LIFE_SECONDS,
            refresh_token=refresh,
            scope=" ".join(scopes),
        )

    async def load_access_token(self, token):
        try:
            os.remove(os.path.join(DIR, "expire"))
            self.access_tokens.clear()
        except FileNotFoundError:
            pass
        return self.access_tokens.get(token)

    async def revoke_token(self, token):
        self.access_tokens.pop(token.token, None)
        self.refresh_tokens.pop(token.token, None)


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    url = f"{origin}/mcp"
    server = MCPServer(
        "protected",
        auth_server_provider=MemoryProvider(origin),
        auth=AuthSettings(
            issuer_url=origin,
            resource_server_url=url,
            validate_token_resource=True,
            required_scopes=["tools"],
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["tools"], default_scopes=["tools"]
            ),
            revocation_options=RevocationOptions(enabled=True),
        ),
    )

    @server.tool()
    def greet(name: str) -> str:
        """Greets"""
        return f"hello {name}"

    config = uvicorn.Config(server.streamable_http_app(), log_level="warning")
    print(json.dumps({"url": url}), flush=True)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


main()
