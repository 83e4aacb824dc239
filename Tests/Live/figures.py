"""What subscriptions cost: memory of many idle ones, time from a commit to its hint, commits beside many subscribers."""

import asyncio
import multiprocessing
import os
import random
import statistics
import time
import uuid

from clients import LOST, Connection, EventStream, Refused, Socket
from servers import PostgreSQL, Server

AIMS = {"memory": 400, "p50": 5, "p99": 25, "p99 across": 60, "ratio": 0.5}
COMMITS = 300
HOT_READERS = 1_000
HOT_SECONDS = 6
OPTIONS = ["--readers-per-device", "12000", "--readers-per-tenant", "12000", "--requests-per-second", "5000",
           "--connections", "12000"]


def note(what, figure, aim=None, met=True):
    verdict = "" if aim is None else f"aim {aim}: {'met' if met else 'MISSED'}"
    print(f"  {what:68} {figure:18} {verdict}".rstrip(), flush=True)


def batch(device):
    return {"operations": [{"id": str(uuid.uuid4()), "kind": "create", "collection": "jobs", "record": str(uuid.uuid4()),
                            "clock": {device: 1}, "fields": {"title": "x" * 100}}]}


async def commit(connection, port, device):
    """One batch, sent again under its key while the server asks for patience."""
    body, key = batch(device), uuid.uuid4()
    for _ in range(20):
        try:
            return await connection.ask(port, "POST", "/v1/batches?return=minimal", body, key)
        except Refused as refused:
            if refused.status not in (429, 503):
                raise
            await asyncio.sleep(min(refused.retry_after, 2))
    raise RuntimeError("a batch was refused again and again")


# Beside a measurement, in processes of their own. Each runs until it is ended.


class Beside:
    """A process that runs something until the end of a block. It says when it is ready."""

    def __init__(self, work, *arguments):
        self.heard, told = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=self.run, args=(work, told, arguments), daemon=True)

    @staticmethod
    def run(work, told, arguments):
        # Clients have machines of their own. Here they share the server's, so they get what it leaves of the processor.
        os.nice(10)
        asyncio.run(work(told, *arguments))

    def __enter__(self):
        self.process.start()
        if not self.heard.poll(240):
            raise RuntimeError("what should run beside the measurement was not ready")
        self.result = self.heard.recv()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()


async def many(count, open_one, at_once=64):
    """Opens so many, a few at a time. - Returns: those, and how many were refused."""
    gate, opened, refused = asyncio.Semaphore(at_once), [], 0

    async def one(index):
        nonlocal refused
        async with gate:
            try:
                opened.append(await open_one(index))
            except (Refused, *LOST):
                refused += 1

    await asyncio.gather(*(one(index) for index in range(count)))
    return opened, refused


async def subscribers(told, port, tokens, count):
    """Half streams, half sockets, which read and throw away."""
    async def open_one(index):
        token = tokens[index % len(tokens)]
        if index % 2:
            stream = await EventStream.open(port, token, "deliver=hints")
            # What it says is no matter, only that it is taken.
            return asyncio.create_task(drain(stream.reader, stream))
        client = await Socket.open(port, token)
        client.send({"type": "subscribe", "id": 1, "deliver": "hints"})
        return asyncio.create_task(answering(client))

    opened, refused = await many(count, open_one)
    told.send((len(opened), refused))
    await asyncio.gather(*opened, return_exceptions=True)


async def drain(reader, kept):
    while await reader.read(1 << 16):
        pass


async def answering(client):
    while await client.next() is not None:
        pass


async def load(told, ports, token):
    """A small load of another tenant: a few commits and polls a second."""
    connection, cursor = Connection(token), None
    told.send(None)
    while True:
        port = random.choice(ports)
        try:
            await commit(connection, port, "load")
            page = await connection.ask(port, "GET", "/v1/changes?limit=100" + (f"&since={cursor}" if cursor else ""))
            cursor = page["cursor"]
        except (Refused, *LOST):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)


# The measurements


async def idle(place, options, faults):
    server = Server(place, None, *OPTIONS)
    tokens = list(place.tokens("idle", [f"d{number}" for number in range(8)]).values())
    await asyncio.sleep(1)
    before = server.resident_mib()
    began = time.monotonic()
    with Beside(subscribers, server.port, tokens, options.idle) as readers:
        opened, refused = readers.result
        took = time.monotonic() - began
        await asyncio.sleep(3)
        cpu, resident = server.processor_seconds(), server.resident_mib()
        await asyncio.sleep(15)
        # Over one interval of comments, so that each reader is looked after once.
        cpu = (server.processor_seconds() - cpu) / 3
        note(f"{opened} idle subscriptions, half streams, half sockets: opened in", f"{took:.0f} s")
        met = resident < AIMS["memory"]
        note("memory of the server", f"{resident:.0f} MiB", f"< {AIMS['memory']} MiB", met)
        note("memory of each subscription", f"{(resident - before) * 1024 / max(opened, 1):.1f} KiB")
        note("processor time in 5 idle seconds", f"{cpu:.2f} s")
        if refused:
            faults.append(f"{refused} of {options.idle} subscriptions were not opened")
        if not met:
            faults.append(f"{opened} idle subscriptions take {resident:.0f} MiB")
    server.stop()


async def hints(ports, tokens):
    """- Returns: milliseconds from a commit's request to its answer, from the request to the hint, from the answer to the hint."""
    writer = Connection(tokens["writer"])
    page = await writer.ask(ports[0], "GET", "/v1/changes?limit=1")
    stream = await EventStream.open(ports[-1], tokens["reader"], f"since={page['cursor']}")
    await stream.next()
    answers, hints, after = [], [], []

    async def heard():
        while "event" not in (event := await stream.next()):
            pass
        assert event["event"] == "change", event
        return time.perf_counter()

    for number in range(COMMITS + 20):
        # Hints to one reader are 50 ms apart, so commits are too.
        await asyncio.sleep(random.uniform(0.06, 0.1))
        hint = asyncio.create_task(heard())
        await asyncio.sleep(0)
        began = time.perf_counter()
        await commit(writer, ports[0], "writer")
        answered = time.perf_counter()
        hinted = await asyncio.wait_for(hint, 30)
        if number >= 20:
            answers.append((answered - began) * 1000)
            hints.append((hinted - began) * 1000)
            after.append(max(0, hinted - answered) * 1000)
    writer.close()
    stream.close()
    return answers, hints, after


async def latency(place, title, servers, limit, faults):
    tenant = "latency-" + title.split()[0].strip(",").lower()
    tokens = place.tokens(tenant, ["writer", "reader"])
    other = place.tokens(tenant + "-load", ["load"])["load"]
    ports = [server.port for server in servers]
    with Beside(load, ports, other):
        found = await hints(ports, tokens)
    figures = [[sorted(times)[int(len(times) * share)] for share in (0.5, 0.99)] for times in found]
    for name, (middle, high) in zip(["commit, request to answer", "request to hint"], figures):
        note(f"{title}: {name}, p50, p99", f"{middle:.1f} ms, {high:.1f} ms")
    middle, high = figures[2]
    met = high < limit and (len(servers) > 1 or middle < AIMS["p50"])
    aim = f"< {limit} ms" if len(servers) > 1 else f"< {AIMS['p50']} ms, < {limit} ms"
    note(f"{title}: answer to hint, p50, p99", f"{middle:.1f} ms, {high:.1f} ms", aim, met)
    if not met:
        faults.append(f"{title}: hints come {middle:.1f} ms (p50) and {high:.1f} ms (p99) after the answer")


async def commits(port, tokens):
    """- Returns: commits a second of four devices of one tenant."""
    until = time.monotonic() + HOT_SECONDS
    count = 0

    async def device(name, token):
        nonlocal count
        connection = Connection(token)
        while time.monotonic() < until:
            await commit(connection, port, name)
            count += 1
        connection.close()

    await asyncio.gather(*(device(name, token) for name, token in tokens.items()))
    return count / HOT_SECONDS


async def hot(place, title, server, faults):
    tenant = "hot-" + title.lower()
    tokens = place.tokens(tenant, [f"w{number}" for number in range(4)])
    reading = list(place.tokens(tenant, [f"r{number}" for number in range(8)]).values())
    await commits(server.port, tokens)
    # In turns, since the machine is not the same from minute to minute.
    alone, beside = [], []
    for _ in range(2):
        alone.append(await commits(server.port, tokens))
        with Beside(subscribers, server.port, reading, HOT_READERS):
            beside.append(await commits(server.port, tokens))
        await asyncio.sleep(2)
    ratio = statistics.mean(beside) / statistics.mean(alone)
    met = ratio >= AIMS["ratio"]
    note(f"{title}: commits a second of a hot tenant, alone and beside {HOT_READERS}",
         f"{statistics.mean(alone):.0f}, {statistics.mean(beside):.0f}")
    note(f"{title}: ratio", f"{ratio:.2f}", f"≥ {AIMS['ratio']}", met)
    if not met:
        faults.append(f"{title}: {HOT_READERS} subscribers leave a hot tenant {ratio:.2f} of its commits")


async def measure(place, options):
    faults = []
    print(f"\nfigures, {options.build} build, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    await idle(place, options, faults)
    server = Server(place, None, *OPTIONS)
    await latency(place, "SQLite, one server", [server], AIMS["p99"], faults)
    await hot(place, "SQLite", server, faults)
    server.stop()
    cluster = PostgreSQL(place)
    servers = [Server(place, cluster.database, *OPTIONS) for _ in range(2)]
    await latency(place, "PostgreSQL, two servers", servers, AIMS["p99 across"], faults)
    await hot(place, "PostgreSQL", servers[0], faults)
    return faults


def figures(place, options):
    """- Returns: the aims that were missed."""
    return asyncio.run(measure(place, options))
