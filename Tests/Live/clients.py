"""Clients of the live tests: HTTP, server-sent events and WebSockets over plain sockets."""

import asyncio
import base64
import json
import os

# A stream without a comment for so long is dead: the server sends one every 15 seconds.
SILENCE = 50
LOST = (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError, ValueError)


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status, retry_after, body):
        super().__init__(f"{status} {body[:300]!r}")
        self.status, self.retry_after = status, retry_after


async def read_head(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    return int(head[0].split(" ", 2)[1]), headers


async def read_body(reader, headers):
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(parts)


class Connection:
    """A kept connection for one request after the other."""

    def __init__(self, token):
        self.token = token
        self.port = self.reader = self.writer = None
        self.turn = asyncio.Lock()

    async def ask(self, port, method, path, body=None, key=None):
        """- Returns: the answer's document. Raises `Refused`, or one of `LOST`."""
        async with self.turn:
            try:
                async with asyncio.timeout(20):
                    return await self._ask(port, method, path, body, key)
            except Refused:
                raise
            except BaseException:
                self.close()
                raise

    async def _ask(self, port, method, path, body, key):
        if self.port != port:
            self.close()
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            self.port = port
        lines = [f"{method} {path} HTTP/1.1", "Host: live", f"Authorization: Bearer {self.token}"]
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}", f'Idempotency-Key: "{key}"']
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        status, headers = await read_head(self.reader)
        answer = await read_body(self.reader, headers)
        if headers.get("connection") == "close":
            self.close()
        if status != 200:
            raise Refused(status, float(headers.get("retry-after", 0)), answer)
        return json.loads(answer)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.port = self.reader = self.writer = None


class EventStream:
    """One connection to `/v1/changes/stream`."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.buffer = b""

    @classmethod
    async def open(cls, port, token, query, last_event_id=None):
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            try:
                lines = [f"GET /v1/changes/stream?{query} HTTP/1.1", "Host: live", f"Authorization: Bearer {token}",
                         "Accept: text/event-stream"]
                if last_event_id:
                    lines.append(f"Last-Event-ID: {last_event_id}")
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
                status, headers = await read_head(reader)
                if status != 200:
                    raise Refused(status, float(headers.get("retry-after", 0)), await read_body(reader, headers))
                return cls(reader, writer)
            except BaseException:
                writer.close()
                raise

    async def next(self):
        """- Returns: the next block's fields; a comment has none; nil at the stream's end."""
        while b"\n\n" not in self.buffer:
            async with asyncio.timeout(SILENCE):
                size = int(await self.reader.readline(), 16)
                if size == 0:
                    return None
                self.buffer += (await self.reader.readexactly(size + 2))[:-2]
        block, self.buffer = self.buffer.split(b"\n\n", 1)
        return dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))

    def close(self):
        self.writer.close()


class Socket:
    """One connection to `/v1/socket`, with messages that fit a frame."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, token):
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write((f"GET /v1/socket HTTP/1.1\r\nHost: live\r\nAuthorization: Bearer {token}\r\n"
                          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
            status, headers = await read_head(reader)
            if status != 101:
                raise Refused(status, float(headers.get("retry-after", 0)), await read_body(reader, headers))
            return cls(reader, writer)

    def send(self, message):
        self._frame(1, json.dumps(message).encode())

    async def next(self):
        """- Returns: the next message; nil when the server closes. Pings are answered meanwhile."""
        while True:
            first, second = await self.reader.readexactly(2)
            size = second & 127
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            data = await self.reader.readexactly(size)
            match first & 15:
                case 1: return json.loads(data)
                case 8: return None
                case 9: self._frame(10, data)

    def _frame(self, opcode, data):
        # A client masks what it sends (RFC 6455 section 5.3); with zeros that changes nothing.
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        self.writer.write(bytes([0x80 | opcode]) + size + bytes(4) + data)

    def close(self):
        self.writer.close()
