#!/usr/bin/env python3
"""Has a real server meet clients of HTTP/2: honest ones, and those that want its memory, its places or its time.

usage: http2.py SERVER
"""

import contextlib
import gzip
import json
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

import frames
from frames import Connection, frame

REJOIN = sys.argv[1]
faults = []


def expect(what, is_so, detail=""):
    print(("  ok     " if is_so else "  WRONG  ") + what + (f": {detail}" if not is_so else ""), flush=True)
    if not is_so:
        faults.append(f"{what} {detail}")


class Server:
    def __init__(self, folder, *options):
        self.folder = folder
        for name in ("server.key", "server.crt"):
            pathlib.Path(folder, name).touch()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/server.key",
             "-out", f"{folder}/server.crt"], check=True, capture_output=True)
        pathlib.Path(folder, "server.key").chmod(0o600)
        self.log = pathlib.Path(folder, "log")
        with open(self.log, "w") as output:
            self.process = subprocess.Popen(
                [REJOIN, "serve", "--data", f"{folder}/data", "--port", "0", "--tls-certificate", f"{folder}/server.crt",
                 "--tls-key", f"{folder}/server.key", "--requests-per-second", "100000", *options],
                stdout=output, stderr=output)
        while not (found := re.search(r"listening on https://[^:]+:(\d+)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.port = int(found.group(1))

    def token(self, device="ipad", tenant="acme"):
        return subprocess.run(
            [REJOIN, "token", "--tenant", tenant, "--device", device, "--data", f"{self.folder}/data"], check=True,
            capture_output=True, text=True).stdout.strip()

    def get(self, path):
        """Over HTTP/1.1."""
        with urllib.request.urlopen(f"https://127.0.0.1:{self.port}{path}", context=frames.context(None), timeout=20) as answer:
            return answer.read().decode()

    def sample(self, name):
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics"), re.M)
        return float(found.group(1)) if found else None

    def memory(self):
        """MiB that are resident."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) // 1024

    def fill(self, token, megabytes):
        """Records of together so many megabytes."""
        client = Connection(self.port)
        for number in range(megabytes):
            operations = [
                {"id": f"f-{number}-{item}", "kind": "create", "collection": "jobs", "record": f"r-{number}-{item}",
                 "clock": {"ipad": 1}, "at": "2026-11-20T09:10:00Z", "fields": {"text": "x" * 100_000}}
                for item in range(10)]
            answer = client.whole(post(client, token, operations, f"fill-{number}"))
            assert answer.status == 200, (answer.status, answer.body[:300])
        client.close()

    def eventually(self, condition, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.1)
        return False


@contextlib.contextmanager
def server(*options):
    with tempfile.TemporaryDirectory() as folder:
        running = Server(folder, *options)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()


def post(client, token, operations, key):
    return client.ask(
        "POST", "/v1/batches", token, [("content-type", "application/json"), ("idempotency-key", f'"{key}"')],
        json.dumps({"operations": operations}).encode())


def create(record, **fields):
    return {"id": f"op-{record}", "kind": "create", "collection": "jobs", "record": record, "clock": {"ipad": 1},
            "at": "2026-11-20T09:10:00Z", "fields": fields}


def honest():
    print("honest clients")
    with server() as at:
        token = at.token()
        for offered, chosen in [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), ((), None), (("h3", "h2"), "h2")]:
            with frames.connect(at.port, offered) as client:
                expect(f"of {offered} {chosen} is chosen", client.selected_alpn_protocol() == chosen)
        for version, is_taken in [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)]:
            said = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{at.port}", version, "-cipher", "DEFAULT@SECLEVEL=0"],
                input="", capture_output=True, text=True)
            is_refused = "alert protocol version" in said.stdout + said.stderr
            expect("TLS before 1.2 is refused" if not is_taken else f"{version} is taken", is_refused != is_taken)
        again = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{at.port}", "-tls1_2"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.5)
        again.stdin.write("R\n")
        again.stdin.flush()
        again.wait(10)
        expect("a handshake in the middle of a connection ends it", "RENEGOTIATING" in again.stdout.read())
        client = Connection(at.port)
        answer = client.whole(post(client, token, [create("r1", title="Kitchen " * 400)], "k1"))
        expect("a batch is applied", answer.status == 200 and b'"applied"' in answer.body, answer.body[:300])
        again = client.whole(post(client, token, [create("r1", title="Kitchen " * 400)], "k1"))
        expect("and replayed", again.headers.get("idempotency-replayed") == "true")
        expect("what it is told of limits is what is in force",
               client.settings[frames.MAX_CONCURRENT_STREAMS] == 64 and client.settings[frames.MAX_HEADER_LIST_SIZE] == 65536)
        page = client.whole(client.ask("GET", "/v1/changes", token))
        expect("the feed has it", page.status == 200 and b"Kitchen" in page.body)
        lines = client.whole(client.ask(
            "GET", "/v1/changes", token, [("accept", "application/x-ndjson"), ("accept-encoding", "gzip")]))
        expect("a compressed stream of lines ends", lines.has_ended and lines.headers.get("content-encoding") == "gzip"
               and b"Kitchen" in gzip.decompress(lines.body), lines.headers)
        head = client.whole(client.ask("HEAD", "/v1/changes", token, [("accept", "application/x-ndjson")]))
        expect("HEAD has no body", head.status == 200 and head.body == b"" and head.has_ended)
        cursor = json.loads(page.body)["cursor"]
        poll = client.ask("GET", f"/v1/changes?since={cursor}&wait=30", token)
        stream = client.ask("GET", f"/v1/changes/stream?since={cursor}", token, [("accept", "text/event-stream")])
        expect("an event stream begins beside a held poll", client.hear(lambda: client.answer(stream).body != b""))
        began = time.monotonic()
        told = client.answer(stream).body
        client.whole(post(client, token, [create("r2", title="Bath")], "k2"))
        expect("the poll is answered by a write on the same connection",
               b"Bath" in client.whole(poll).body and time.monotonic() - began < 10, (client.answer(poll).status, client.answer(poll).headers, client.answer(poll).body[:300]))
        expect("and the stream tells", client.hear(lambda: len(client.answer(stream).body) > len(told)))
        client.send(frame(frames.RST_STREAM, 0, stream, frames.CANCEL.to_bytes(4, "big")))
        expect("a stream that is taken back is over", at.eventually(lambda: at.sample("rejoin_open_streams") == 0))
        expect("and the connection goes on", client.is_alive())
        padded = client.next
        _, begin = client.head("POST", "/v1/batches", token, [
            ("content-type", "application/json"), ("idempotency-key", '"k3"')], ends=False)
        text = json.dumps({"operations": [create("r3", title="Hall")]}).encode()
        client.send(begin + frame(frames.DATA, frames.PADDED | frames.END_STREAM, padded, bytes([200]) + text + bytes(200)))
        expect("a padded body is read", client.whole(padded).status == 200,
               (client.answer(padded).status, client.answer(padded).body[:300], client.goaways))
        expect("nothing of it is held", at.sample("rejoin_memory_bytes") == 0)
        page = client.whole(client.ask("GET", "/review", None, [("accept", "text/html")]))
        expect("the reviewers' page is there", page.status == 401 and b"<html" in page.body)
        expect("the log names the address of every request", re.search(
            r"address=127.0.0.1 .*route=/v1/batches ", at.log.read_text()) is not None)


def refusals():
    print("what is refused before a route")
    with server("--body-timeout", "1") as at:
        token = at.token()
        client = Connection(at.port)
        for what, more in [("no host", {"authority": None}), ("two hosts", {"headers": [("host", "other")]}),
                           ("two host fields", {"authority": None, "headers": [("host", "a"), ("host", "b")]}),
                           ("too many fields", {"headers": [(f"x-{n}", "1") for n in range(130)]})]:
            answer = client.whole(client.ask("GET", "/healthz", **more))
            expect(f"{what} is a problem document", answer.status == 400
                   and answer.headers.get("content-type") == "application/problem+json"
                   and "x-request-id" in answer.headers, (answer.status, answer.reset))
        expect("one host in the old field is one", client.whole(
            client.ask("GET", "/healthz", authority=None, headers=[("host", "localhost")])).status == 200)
        tunnel = client.ask("GET", "/v1/socket", token, [("sec-websocket-version", "13")])
        expect("a socket is refused in words", client.whole(tunnel).status == 400 and b"HTTP/1.1" in client.answer(tunnel).body)
        stream, begin = client.head("POST", "/v1/batches", None, [("content-type", "application/json")], ends=False)
        client.send(begin)
        answer = client.whole(stream)
        expect("who may not is answered before the body", answer.status == 401 and answer.has_ended)
        expect("and told to stop sending it", client.hear(lambda: answer.reset == frames.NO_ERROR), answer.reset)
        stream, begin = client.head("POST", "/v1/batches", token, [
            ("content-type", "application/json"), ("content-length", "9000000"), ("idempotency-key", '"k"')], ends=False)
        client.send(begin)
        expect("so is a body that is too large", client.whole(stream).status == 413)
        stream, begin = client.head("POST", "/v1/batches", token, [
            ("content-type", "application/json"), ("idempotency-key", '"k"'), ("expect", "100-continue")], ends=False)
        client.send(begin)
        expect("who asks before sending is told to go on", client.hear(lambda: client.answer(stream).informed == [100]))
        body = json.dumps({"operations": [create("r1")]}).encode()
        client.send(frame(frames.DATA, frames.END_STREAM, stream, body))
        expect("and answered", client.whole(stream).status == 200)
        slow = []
        for number in range(30):
            stream, begin = client.head("POST", "/review/sign-in", None, [
                ("content-type", "application/x-www-form-urlencoded")], ends=False)
            client.send(begin + frame(frames.DATA, 0, stream, b"a"))
            slow.append(stream)
        expect("bodies that do not come are given up", all(client.whole(stream).status == 408 for stream in slow),
               [client.answer(stream).status for stream in slow])
        expect("on a connection that goes on", client.is_alive())
        expect("and nothing is held", at.eventually(lambda: at.sample("rejoin_memory_bytes") == 0))
        upgrade = client.ask("GET", "/v1/socket", token, [("upgrade", "websocket"), ("connection", "upgrade")])
        expect("headers of a connection are none of a request", client.whole(upgrade).status is None)


def floods():
    print("floods")
    with server() as at:
        token = at.token()

        def flood(what, pieces, limit=40_000, code=None):
            client = Connection(at.port)
            client.hear(lambda: bool(client.settings))
            sent = 0
            for sent, piece in enumerate(pieces(client)):
                if sent >= limit or not client.send(piece):
                    break
                if sent % 50 == 0:
                    client.hear(lambda: bool(client.goaways), 0.001)
                    if client.has_ended:
                        break
            expect(f"{what}: the connection ends", client.ends(15), f"after {sent}")
            if code is not None and client.goaways:
                expect(f"{what}: and says why", client.goaways[-1][0] == code, client.goaways)
            client.close()

        def forever(data):
            return lambda client: iter(lambda: data, None)

        def rapid_reset(client):
            while True:
                stream, begin = client.head("GET", "/v1/session", token)
                yield begin + frame(frames.RST_STREAM, 0, stream, frames.CANCEL.to_bytes(4, "big"))

        def continuations(client):
            yield frame(frames.HEADERS, 0, 1, client.encoder.encode([(":method", "GET")]))
            while True:
                yield frame(frames.CONTINUATION, 0, 1, b"")

        def large_head(client):
            yield frame(frames.HEADERS, 0, 1, b"\x00\x01x\x7f\xff\xff\x03" + b"x" * 16000)
            while True:
                yield frame(frames.CONTINUATION, 0, 1, b"x" * 16000)

        def bomb(client):
            fields = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("x", "y" * 4000)]
            block = client.encoder.encode(fields)
            # The last field, which is in the table now, a thousand times: one byte each.
            yield frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block + b"\xbe" * 1000)

        def many_streams(client):
            while True:
                yield client.head("POST", "/review/sign-in", None, [
                    ("content-type", "application/x-www-form-urlencoded")], ends=False)[1]

        def stray(client):
            stream, begin = client.head("POST", "/v1/batches", None, ends=False)
            yield begin
            while True:
                yield frame(frames.DATA, 0, stream, bytes(16_000))

        flood("requests that are taken back at once", rapid_reset, code=frames.ENHANCE_YOUR_CALM)
        flood("pings", forever(frame(frames.PING, 0, 0, bytes(8))))
        flood("settings", forever(frame(frames.SETTINGS, 0, 0, b"")))
        flood("priorities", forever(frame(frames.PRIORITY, 0, 1, bytes([0, 0, 0, 3, 1]))))
        flood("windows", forever(frame(frames.WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big")) * 10))
        flood("frames of no kind", forever(frame(0xee, 0, 0, b"") * 10))
        flood("empty pieces of a head", continuations)
        flood("a head without an end", large_head)
        flood("a head that grows when it is unpacked", bomb)
        flood("more requests than may be", many_streams)
        flood("a body that goes on after it was refused", stray, limit=2_000)
        client = Connection(at.port)
        expect("and others are served", client.is_alive())
        expect("nothing is held", at.eventually(lambda: at.sample("rejoin_memory_bytes") == 0))
        expect("in little memory", at.memory() < 300, at.memory())


def unread_bodies():
    print("bodies that nobody reads")
    with server("--readers-per-device", "1000", "--readers-per-tenant", "10000") as at:
        token = at.token()
        before = at.memory()
        clients = []
        for _ in range(20):
            client = Connection(at.port)
            client.hear(lambda: bool(client.settings))
            for _ in range(60):
                # The poll is held, and does not look at a body.
                stream, begin = client.head("GET", "/v1/changes?wait=60", token, ends=False)
                client.send(begin)
                for piece in range(4):
                    client.send(frame(frames.DATA, 0, stream, b"x" * 16_000))
            clients.append(client)
        expect("they count as memory", at.eventually(lambda: at.sample("rejoin_memory_bytes") > 10_000_000))
        expect("of whoever is not known, a quarter at most", at.sample("rejoin_memory_peak_bytes") <= 64 * 1024 * 1024)
        held = at.memory()
        expect("and take no more than that", held - before < 250, (before, held))
        honest_client = Connection(at.port)
        answer = honest_client.whole(post(honest_client, token, [create("r1")], "k1"))
        expect("others write meanwhile", answer.status == 200, answer.body[:200])
        for client in clients:
            client.close()
        expect("and all of it is given back", at.eventually(lambda: at.sample("rejoin_memory_bytes") == 0))
        client = Connection(at.port)
        client.hear(lambda: bool(client.settings))
        stream, begin = client.head("GET", "/v1/changes?wait=60", token, ends=False)
        client.send(begin + frame(frames.DATA, 0, stream, b"x") * 5_000)
        expect("pieces of a byte are not kept", client.whole(stream, 5).reset == frames.ENHANCE_YOUR_CALM,
               client.answer(stream).reset)
        expect("and cost their request alone", client.is_alive())


def unread_answers():
    print("answers that nobody reads")
    with server("--answer-timeout", "2") as at:
        token = at.token()
        at.fill(token, 8)
        client = Connection(at.port, [(frames.INITIAL_WINDOW_SIZE, 0)])
        streams = [client.ask("GET", "/v1/changes?limit=5000", token) for _ in range(40)]
        expect("those that found room hold memory", at.eventually(lambda: at.sample("rejoin_memory_bytes") > 1_000_000))
        expect("up to the tenant's share", at.sample("rejoin_memory_peak_bytes") <= 64 * 1024 * 1024 + 8 * 1024 * 1024)
        answers = [client.whole(stream, 15) for stream in streams]
        # Of the others even the refusal cannot be sent.
        expect("each is given up", all(answer.reset == frames.CANCEL for answer in answers), [a.reset for a in answers])
        expect("on a connection that is not", client.hear(lambda: client.has_ended, 0.2) is False)
        expect("and everything is given back", at.eventually(lambda: at.sample("rejoin_memory_bytes") == 0))
        slow = Connection(at.port, [(frames.INITIAL_WINDOW_SIZE, 0)])
        stream = slow.ask("GET", "/v1/changes?limit=20", token)
        for _ in range(8):
            slow.hear(lambda: False, 0.7)
            slow.send(frame(frames.WINDOW_UPDATE, 0, stream, (40_000).to_bytes(4, "big")))
        expect("who takes a little now and then is not", slow.answer(stream).reset is None and len(slow.answer(stream).body) > 200_000,
               (slow.answer(stream).reset, len(slow.answer(stream).body)))
        deaf = Connection(at.port, [(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)], receive_bytes=4096)
        for _ in range(8):
            deaf.ask("GET", "/v1/changes?limit=5000", token)
        before = at.sample('rejoin_connections_ended_total{reason="stalled_answer"}')
        expect("a connection of which nothing is taken ends", at.eventually(
            lambda: at.sample('rejoin_connections_ended_total{reason="stalled_answer"}') > before
            and at.sample("rejoin_memory_bytes") == 0, 30))


def places():
    print("places")
    with server("--connections", "12") as at:
        token = at.token()
        clients = [Connection(at.port) for _ in range(4)]
        streams = []
        for client in clients:
            for _ in range(6):
                streams.append((client, client.ask("GET", "/v1/changes?wait=3", token)))
        outcomes = [client.whole(stream) for client, stream in streams]
        refused = sum(answer.reset == frames.REFUSED_STREAM for answer in outcomes)
        expect("requests beyond the first of each connection have as many places as connections", refused == 20 - 12,
               [(a.status, a.reset) for a in outcomes])
        expect("the others are answered", sum(answer.status in (200, 429) for answer in outcomes) == 16)
        expect("and the places are free again", at.eventually(lambda: at.sample("rejoin_streams") == 0))
        rest = [frames.connect(at.port, ("h2", "http/1.1")) for _ in range(12)]
        expect("beyond the limit of connections there is HTTP/1.1 alone",
               rest[-1].selected_alpn_protocol() == "http/1.1" and rest[0].selected_alpn_protocol() == "h2")
        rest[-1].sendall(b"GET /v1/session HTTP/1.1\r\nHost: a\r\n\r\n")
        expect("which says so", b" 503 " in rest[-1].recv(1000))


def ending():
    print("the end")
    for acknowledges in (True, False):
        with server() as at:
            token = at.token()
            client, idle = Connection(at.port), Connection(at.port)
            client.acknowledges = idle.acknowledges = acknowledges
            idle.hear(lambda: bool(idle.settings))
            poll = client.ask("GET", "/v1/changes?wait=60", token)
            upload, begin = client.head("POST", "/v1/batches", token, [
                ("content-type", "application/json"), ("idempotency-key", '"k"')], ends=False)
            client.send(begin)
            stream = client.ask("GET", "/v1/changes/stream", token, [("accept", "text/event-stream")])
            client.hear(lambda: client.answer(stream).body != b"")
            expect("a poll is held", at.eventually(lambda: at.sample("rejoin_waiting_readers") >= 1))
            began = time.monotonic()
            at.process.send_signal(signal.SIGTERM)
            who = "a client that hears the farewell" if acknowledges else "a client that does not"
            expect(f"{who} has its poll answered", client.whole(poll).status == 200)
            body = json.dumps({"operations": [create("r1")]}).encode()
            client.send(frame(frames.DATA, frames.END_STREAM, upload, body))
            expect(f"{who} has its write taken", client.whole(upload).status == 200, client.answer(upload).status)
            expect(f"{who} has its stream ended", client.whole(stream).has_ended)
            client.ends(10)
            expect(f"{who} is told, and which was the last", len(client.goaways) == 2
                   and client.goaways[1] == (0, stream), client.goaways)
            expect(f"{who} does not hold up the end", at.process.wait(20) == 0 and time.monotonic() - began < 6,
                   time.monotonic() - began)
    with server() as at:
        token = at.token()
        client = Connection(at.port)
        for _ in range(10):
            client.ask("GET", "/v1/changes/stream", token, [("accept", "text/event-stream")])
        at.eventually(lambda: at.sample("rejoin_open_streams") == 10)
        client.close()
        expect("who is cut off in the middle leaves nothing behind", at.eventually(
            lambda: at.sample("rejoin_open_streams") == 0 and at.sample("rejoin_streams") == 0))


for part in (honest, refusals, floods, unread_bodies, unread_answers, places, ending):
    part()
print("HTTP/2 holds" if not faults else f"{len(faults)} faults")
sys.exit(bool(faults))
