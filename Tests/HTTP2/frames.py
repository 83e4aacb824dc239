"""A client of HTTP/2 that says whatever it is told to, frame by frame (RFC 9113), and hears what it is answered."""

import socket
import ssl
import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 7, 8, 11
INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE = 4, 3, 6


def context(protocols):
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


def connect(port, protocols=("h2",), patience=15, receive_bytes=None):
    plain = socket.socket()
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    plain.settimeout(patience)
    plain.connect(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context(list(protocols)).wrap_socket(plain, server_hostname="localhost")


class Answer:
    def __init__(self):
        self.status = None
        self.headers = {}
        self.body = b""
        self.informed = []
        self.has_ended = False
        self.reset = None


class Connection:
    """One connection. What came is kept by stream; `goaways` has the error codes and last streams of each GOAWAY."""

    def __init__(self, port, settings=(), window=2**31 - 1 - 65535, **more):
        self.socket = connect(port, **more)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.buffer = b""
        self.answers = {}
        self.goaways, self.settings, self.pings = [], {}, []
        self.has_ended = False
        self.next = 1
        self.acknowledges = True
        self.windows = {0: 65535}
        self.received = 0
        payload = b"".join(struct.pack(">HI", *pair) for pair in settings)
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, payload))
        if window:
            self.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", window)))

    def send(self, data):
        """Whether the server still takes what it is sent."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            self.has_ended = True
            return False

    def head(self, method, path, token=None, headers=(), authority="localhost", ends=True, stream=None):
        stream = stream or self.next
        self.next = stream + 2
        fields = [(":method", method), (":scheme", "https"), (":path", path)]
        if authority is not None:
            fields.append((":authority", authority))
        if token:
            fields.append(("authorization", "Bearer " + token))
        return stream, frame(
            HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, self.encoder.encode(fields + list(headers)))

    def ask(self, method, path, token=None, headers=(), body=None, **more):
        stream, head = self.head(method, path, token, headers, ends=body is None, **more)
        self.send(head)
        while body is not None:
            answer, room = self.answer(stream), lambda: min(self.window(stream), self.windows[0], 16384)
            self.hear(lambda: room() > 0 or not body or answer.has_ended or answer.reset is not None)
            if answer.has_ended or answer.reset is not None or self.has_ended:
                break
            piece, body = body[:room()], body[room():]
            self.windows[0] -= len(piece)
            self.windows[stream] = self.window(stream) - len(piece)
            self.send(frame(DATA, 0 if body else END_STREAM, stream, piece))
            body = body or None
        return stream

    def window(self, stream):
        """How many bytes the server takes of a body."""
        return self.windows.get(stream, self.settings.get(INITIAL_WINDOW_SIZE, 65535))

    def answer(self, stream):
        return self.answers.setdefault(stream, Answer())

    def hear(self, until, seconds=20):
        """Takes what comes until the condition holds, the connection ends, or the time is over. Whether it holds."""
        deadline = time.monotonic() + seconds
        while not until() and not self.has_ended and time.monotonic() < deadline:
            self.socket.settimeout(min(0.5, max(0.01, deadline - time.monotonic())))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            if not data:
                self.has_ended = True
                break
            self.received += len(data)
            self.buffer += data
            while len(self.buffer) >= 9 + (length := int.from_bytes(self.buffer[:3], "big")):
                header, payload = self.buffer[:9], self.buffer[9:9 + length]
                self.buffer = self.buffer[9 + length:]
                self.take(header[3], header[4], int.from_bytes(header[5:9], "big"), payload)
        return until()

    def take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                self.settings[name] = value
            self.send(frame(SETTINGS, ACK, 0, b""))
        elif kind == WINDOW_UPDATE:
            before = self.windows[0] if stream == 0 else self.window(stream)
            self.windows[stream] = before + int.from_bytes(payload, "big")
        elif kind == PING:
            if flags & ACK:
                self.pings.append(payload)
            elif self.acknowledges:
                self.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaways.append((int.from_bytes(payload[4:8], "big"), int.from_bytes(payload[:4], "big")))
        elif kind == RST_STREAM:
            self.answer(stream).reset = int.from_bytes(payload, "big")
        elif kind == HEADERS:
            fields = self.decoder.decode(payload)
            answer, status = self.answer(stream), dict(fields).get(":status")
            if status and status.startswith("1"):
                answer.informed.append(int(status))
            elif status:
                answer.status, answer.headers = int(status), dict(fields)
        elif kind == DATA:
            self.answer(stream).body += payload
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answer(stream).has_ended = True

    def whole(self, stream, seconds=20):
        answer = self.answer(stream)
        self.hear(lambda: answer.has_ended or answer.reset is not None, seconds)
        return answer

    def is_alive(self):
        """Whether the server still answers on this connection."""
        return self.whole(self.ask("GET", "/healthz"), 5).status == 200

    def ends(self, seconds=20):
        return self.hear(lambda: False, seconds) or self.has_ended

    def close(self):
        self.socket.close()


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
