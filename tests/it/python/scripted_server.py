"""An MCP server whose tools are read from a file each time they are listed. Speaks 2025-06-18.

DIR/tools.json   what `tools/list` answers, as it is
DIR/calls        one line for each tool call that came through, with the tool's name
DIR/sessions     one line for each `initialize`
DIR/forget       if it is there (HTTP): all sessions are forgotten, once

The tool `crash` ends the process; `announce` says that the tools have changed, and then answers; `hologram` answers
with a block of a type that no revision knows.
Usage: scripted_server.py DIR [--http | --one-session]
`--one-session`: over HTTP, with one session for its whole life.
"""

import json
import os
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIR = sys.argv[1]
ONE_SESSION = "--one-session" in sys.argv


def path(name):
    return os.path.join(DIR, name)


def write_line(name, line):
    with open(path(name), "a") as file:
        file.write(line + "\n")


def answer(message, notify):
    """The result or error for a request; None for a notification."""
    method = message.get("method")
    if "id" not in message:
        return None
    if method == "initialize":
        write_line("sessions", "initialize")
        return {"result": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "scripted", "title": "Scripted server", "version": "1"},
        }}
    if method == "tools/list":
        with open(path("tools.json")) as file:
            return {"result": {"tools": json.load(file)}}
    if method == "tools/call":
        name = message["params"]["name"]
        write_line("calls", name)
        if name == "crash":
            os._exit(3)
        if name == "hologram":
            return {"result": {"content": [
                {"type": "text", "text": "seen"}, {"type": "hologram", "depth": [1, None], "x": 1.5},
            ]}}
        if name == "announce":
            notify({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        return {"result": {
            "content": [{"type": "text", "text": "ran " + name}],
            "structuredContent": {"ran": name},
        }}
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": -32601, "message": "no such method"}}


def stdio():
    def send(message):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    for line in sys.stdin:
        message = json.loads(line)
        answered = answer(message, send)
        if answered is not None:
            send({"jsonrpc": "2.0", "id": message["id"], **answered})


SESSIONS = set()
BEGUN = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=None, session=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if data:
            self.send_header("Content-Type", "application/json")
        if session:
            self.send_header("Mcp-Session-Id", session)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, text, request_id=None):
        error = {"code": -32000, "message": text}
        self.reply(status, {"jsonrpc": "2.0", "id": request_id, "error": error})

    def do_POST(self):
        global BEGUN
        length = int(self.headers.get("Content-Length", 0))
        message = json.loads(self.rfile.read(length))
        if os.path.exists(path("forget")):
            os.remove(path("forget"))
            SESSIONS.clear()
        session = self.headers.get("Mcp-Session-Id")
        if message.get("method") == "initialize":
            if ONE_SESSION and BEGUN:
                return self.refuse(400, "Server already initialized", message.get("id"))
            BEGUN = True
            session = uuid.uuid4().hex
            SESSIONS.add(session)
        elif session is None:
            return self.refuse(400, "Mcp-Session-Id is missing", message.get("id"))
        elif session not in SESSIONS:
            return self.refuse(404, "Session not found", message.get("id"))
        answered = answer(message, lambda _: None)
        if answered is None:
            return self.reply(202)
        self.reply(200, {"jsonrpc": "2.0", "id": message["id"], **answered}, session)

    def do_GET(self):
        self.reply(405)

    def do_DELETE(self):
        SESSIONS.discard(self.headers.get("Mcp-Session-Id"))
        self.reply(200)


if len(sys.argv) > 2:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/mcp", flush=True)
    server.serve_forever()
else:
    stdio()
