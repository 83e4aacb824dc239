#!/usr/bin/env python3
"""Runs hostile clients beside an honest load, and says what the honest one noticed.

    Tests/Abuse/abuse.py PROGRAM [--seconds 120] [--each 5] [--database postgres://...]

For each engine a server of its own is started. An honest tenant sends small batches and polls, first alone, then beside
hostile clients of other tenants and of nobody, all of them at once and then each of them. It exits 1 when the honest tenant saw anything but 200, or 429 and 503 with
Retry-After, or when the server ever had more than 512 MiB of memory. Only the standard library is used.
"""

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid

MEMORY_MIB = 512


class Server:
    """`rejoin serve` on a free port."""

    def __init__(self, program, database):
        self.program = program
        self.data = tempfile.mkdtemp(prefix="rejoin-abuse-")
        self.log = open(os.path.join(self.data, "log"), "w")
        arguments = ["--data", os.path.join(self.data, "data"), "--port", "0", "--log-level", "warning"]
        if database:
            arguments += ["--database", database]
            # The database may be one of an earlier run, which had a key of its own.
            os.mkdir(os.path.join(self.data, "data"), 0o700)
            key = os.open(os.path.join(self.data, "data", "signing.key"), os.O_CREAT | os.O_WRONLY, 0o600)
            os.write(key, base64.b64encode(os.urandom(32)) + b"\n")
            os.close(key)
            subprocess.run([program, "migrate", "--adopt-key", "--data", os.path.join(self.data, "data"),
                            "--database", database], check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [program, "serve"] + arguments, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://([0-9.]+):([0-9]+)", line)
        if not found:
            sys.exit(f"the server did not start: {line}")
        self.host, self.port = found.group(1), int(found.group(2))

    def token(self, tenant, device):
        return subprocess.run(
            [self.program, "token", "--tenant", tenant, "--device", device, "--data",
             os.path.join(self.data, "data")], capture_output=True, text=True, check=True).stdout.split()[-1]

    def peak_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) // 1024

    def stop(self):
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        took = time.monotonic() - began
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)
        return took


def operation(kind, record, clock, fields):
    return {"id": str(uuid.uuid4()), "kind": kind, "collection": "jobs", "record": record, "clock": clock,
            "fields": fields}


# The honest tenant


def honest(place, token, device, until, results):
    """Sends a batch of ten operations, then polls what is new, again and again."""
    connection, cursor, number = None, None, 0
    times, statuses, errors = [], {}, []

    def ask(method, path, body=None, headers={}):
        nonlocal connection
        began = time.monotonic()
        try:
            if connection is None:
                connection = http.client.HTTPConnection(*place, timeout=60)
            connection.request(method, path, body, {"Authorization": "Bearer " + token, **headers})
            response = connection.getresponse()
            text = response.read()
            if response.getheader("Connection") == "close":
                connection = None
        except (OSError, http.client.HTTPException) as error:
            connection = None
            errors.append(f"{method} {path.split('?')[0]}: {type(error).__name__} {error}")
            return None, b""
        status, retry = response.status, response.getheader("Retry-After")
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            times.append((method, time.monotonic() - began))
        elif status in (429, 503) and retry:
            time.sleep(min(float(retry), 2))
        else:
            errors.append(f"{method} {path.split('?')[0]}: {status} {text[:200]!r}")
        return status, text

    while time.time() < until:
        number += 1
        operations = [operation("create", f"{device}-{number}-{index}", {device: 1}, {"title": "x" * 200})
                      for index in range(10)]
        body = json.dumps({"operations": operations})
        key = {"Idempotency-Key": f'"{uuid.uuid4()}"', "Content-Type": "application/json"}
        for _ in range(20):
            status, _ = ask("POST", "/v1/batches?return=minimal", body, key)
            if status == 200 or time.time() > until:
                break
        status, text = ask("GET", "/v1/changes?limit=100" + (f"&since={cursor}" if cursor else ""))
        if status == 200:
            cursor = json.loads(text)["cursor"]
        time.sleep(0.05)
    results.put((times, statuses, errors))


def measure(place, tokens, seconds):
    results = multiprocessing.Queue()
    until = time.time() + seconds
    workers = [multiprocessing.Process(target=honest, args=(place, token, device, until, results), daemon=True)
               for device, token in tokens.items()]
    for worker in workers:
        worker.start()
    parts = [results.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    statuses = {}
    for part in parts:
        for status, count in part[1].items():
            statuses[status] = statuses.get(status, 0) + count
    return {"times": [time for part in parts for time in part[0]], "statuses": statuses,
            "errors": [error for part in parts for error in part[2]]}


def percentile(times, method, share):
    values = sorted(seconds for name, seconds in times if name == method)
    return values[min(len(values) - 1, int(len(values) * share))] * 1000 if values else float("nan")


# The hostile clients. Each runs until it is killed, and expects nothing.


def raw(place, receive=None):
    connection = socket.socket()
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(10)
    connection.connect(place)
    return connection


def head(line, token=None, *headers):
    lines = [line + " HTTP/1.1", "Host: abuse"] + ([f"Authorization: Bearer {token}"] if token else []) + list(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def at_low_priority(client, place, token):
    """Hostile clients have machines of their own. Here they share the server's, so they get what it leaves of the processor:
    what is measured is what the server lets them do to others."""
    os.nice(19)
    client(place, token)


def forever(body):
    while True:
        try:
            body()
        except OSError:
            time.sleep(0.1)


def big_forms(place, token):
    body = b"a&" * 3_984_588

    def once():
        client = raw(place)
        client.sendall(head("POST /review/sign-in", None, "Content-Type: application/x-www-form-urlencoded",
                            f"Content-Length: {len(body)}"))
        client.sendall(body)
        client.recv(4096)
    forever(once)


def dribbling_forms(place, token):
    def once():
        clients = [raw(place) for _ in range(150)]
        for client in clients:
            client.sendall(head("POST /review/sign-in", None, "Content-Type: application/x-www-form-urlencoded",
                                "Content-Length: 4000"))
        for _ in range(30):
            for client in clients:
                client.sendall(b"a")
            time.sleep(1)
    forever(once)


def long_polls(place, token):
    def once():
        clients = [raw(place) for _ in range(1_000)]
        for client in clients:
            client.sendall(head("GET /v1/changes?wait=60", token))
        time.sleep(20)
    forever(once)


def idle_connections(place, token):
    def once():
        clients = [raw(place) for _ in range(1_100)]
        time.sleep(20)
        del clients
    forever(once)


def unread_answers(place, token):
    post(place, token, [operation("create", str(uuid.uuid4()), {"abuse": 1}, {"v": "x" * 100_000}) for _ in range(60)])

    def once():
        clients = [raw(place, 4096) for _ in range(40)]
        for number, client in enumerate(clients):
            kind = "application/x-ndjson" if number % 4 == 0 else "application/json"
            client.sendall(head("GET /v1/changes?limit=5000", token, f"Accept: {kind}"))
        time.sleep(20)
    forever(once)


def big_batches(place, token):
    def once():
        operations = [operation("create", str(uuid.uuid4()), {"abuse": 1}, {"v": "x" * 60_000}) for _ in range(130)]
        post(place, token, operations)
    forever(once)


def unfinished_batches(place, token):
    def once():
        clients = [raw(place) for _ in range(100)]
        for client in clients:
            client.sendall(head("POST /v1/batches", token, "Content-Type: application/json",
                                "Content-Length: 8388608", f'Idempotency-Key: "{uuid.uuid4()}"'))
            client.sendall(b"{")
        time.sleep(15)
    forever(once)


def endless_bodies(place, token):
    def once():
        client = raw(place)
        client.sendall(head("POST /v1/batches", None, "Content-Type: application/json", "Transfer-Encoding: chunked"))
        while True:
            client.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
    forever(once)


def many_edits_of_one_large_record(place, token):
    record = str(uuid.uuid4())
    post(place, token, [operation("create", record, {"abuse": 1}, {"v": "x" * 1_000_000})])
    counter = 1

    def once():
        nonlocal counter
        operations = [operation("update", record, {"abuse": counter + index + 1}, {"n": index})
                      for index in range(1_000)]
        if post(place, token, operations) == 200:
            counter += 1_000
    forever(once)


def bad_names(place, token):
    def once():
        fields = {f"\u0001{index}": 1 for index in range(250)}
        post(place, token, [operation("create", str(uuid.uuid4()), {"abuse": 1}, fields) for _ in range(1_000)])
    forever(once)


def wide_operations(place, token):
    def once():
        clock = {f"device-{index}": 1 for index in range(500)} | {"abuse": 1}
        fields = {f"field-{index}": index for index in range(256)}
        post(place, token, [operation("create", "wide", clock, fields) for _ in range(20)])
    forever(once)


def nonsense(place, token):
    def once():
        client = raw(place)
        client.sendall(random.choice([
            os.urandom(4_096), b"GET /" + b"x" * 200_000, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"]))
        client.recv(4096)
    forever(once)


def post(place, token, operations):
    connection = http.client.HTTPConnection(*place, timeout=60)
    try:
        connection.request("POST", "/v1/batches", json.dumps({"operations": operations, "atomic": False}), {
            "Authorization": "Bearer " + token, "Content-Type": "application/json",
            "Idempotency-Key": f'"{uuid.uuid4()}"'})
        return connection.getresponse().status
    except http.client.HTTPException:
        return 0
    finally:
        connection.close()


HOSTILE = [big_forms, dribbling_forms, long_polls, idle_connections, unread_answers, big_batches, unfinished_batches,
           endless_bodies, many_edits_of_one_large_record, bad_names, wide_operations, nonsense]


def beside(server, name, clients, seconds):
    """What an honest tenant measures alone, and then beside hostile clients."""
    place = (server.host, server.port)
    workers = []
    try:
        tokens = {f"honest-{index}": server.token(f"honest-{name}", f"honest-{index}") for index in range(3)}
        alone = measure(place, tokens, max(5, seconds / 4))
        for client in clients:
            token = server.token(f"{client.__name__.replace('_', '-')}-{name}", "abuse")
            worker = multiprocessing.Process(target=at_low_priority, args=(client, place, token), daemon=True)
            worker.start()
            workers.append(worker)
        time.sleep(2)
        return alone, measure(place, tokens, seconds)
    finally:
        for worker in workers:
            worker.kill()


def row(title, found):
    figures = [percentile(found["times"], method, share) for method in ("POST", "GET") for share in (0.5, 0.99)]
    print(f"{title:32}" + "".join(f"{figure:>8.1f}ms" for figure in figures) + f"  {found['statuses']}")


def run(program, database, seconds, each, only):
    clients = [client for client in HOSTILE if not only or client.__name__ in only]
    # A database may be used again and again.
    name = uuid.uuid4().hex[:8]
    server = Server(program, database)
    try:
        alone, together = beside(server, name, clients, seconds)
    finally:
        peak = server.peak_mib()
        stopping = server.stop()
    print(f"\n{'PostgreSQL' if database else 'SQLite'}, {seconds:.0f} s beside {len(clients)} hostile clients, load average "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':32}{'batch p50':>10}{'p99':>10}{'poll p50':>10}{'p99':>10}  answers")
    row("alone", alone)
    row("beside all of them", together)
    faults = [f"alone: {error}" for error in alone["errors"]] + [f"beside: {error}" for error in together["errors"]]
    ratio = percentile(together["times"], "POST", 0.99) / percentile(alone["times"], "POST", 0.99)
    if each:
        for client in clients:
            server = Server(program, database)
            try:
                _, found = beside(server, f"{name}-{client.__name__}"[:40], [client], each)
            finally:
                server.stop()
            row("beside " + client.__name__.replace("_", " ")[:25], found)
            faults += [f"beside {client.__name__}: {error}" for error in found["errors"]]
    print(f"p99 of batches beside all of them: {ratio:.1f} times that alone; peak memory {peak} MiB; stopped in "
          f"{stopping:.1f} s")
    if peak > MEMORY_MIB:
        faults.append(f"the server had {peak} MiB, more than {MEMORY_MIB}")
    for fault in faults[:20]:
        print("  " + fault)
    return not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--each", type=float, default=5, help="seconds beside each hostile client alone; 0: none")
    parser.add_argument("--database", help="a PostgreSQL database, beside SQLite")
    parser.add_argument("--only", action="append", help="run this hostile client alone; may be given again")
    options = parser.parse_args()
    results = [run(options.program, database, options.seconds, options.each, options.only)
               for database in [None] + ([options.database] if options.database else [])]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
