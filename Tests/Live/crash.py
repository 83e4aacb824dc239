"""Readers of live changes while servers and their database are killed: nothing that was acknowledged is missed."""

import asyncio
import collections
import json
import random
import time
import uuid

from clients import LOST, Connection, EventStream, Refused
from servers import PostgreSQL, Server

TENANTS = 4
DEVICES = 8
# The server's comments are this far apart, so each reader is looked after once in such a time.
KEEP_ALIVE = 15
IDLE_SECONDS = 5
IDLE_LIMIT = 1.0
CATCH_UP = 40
OPTIONS = ["--readers-per-device", "64", "--readers-per-tenant", "2000", "--requests-per-second", "2000"]


class Heard:
    """What a reader has of its tenant: records that were made, and the last state of one that is written again and again."""

    def __init__(self):
        self.records = set()
        self.last = 0

    def take(self, page):
        for record in page["changes"]:
            if record["id"] == "hot":
                self.last = max(self.last, record["fields"]["n"])
            else:
                self.records.add(record["id"])

    def lacks(self, acknowledged):
        return len(acknowledged.records - self.records) + (self.last < acknowledged.last)


class Writer:
    """Sends a batch again under its key until it is answered; then it counts as acknowledged."""

    def __init__(self, run, tenant, token):
        self.run, self.tenant = run, tenant
        self.connection = Connection(token)
        self.acknowledged = Heard()
        self.number = 0

    async def work(self):
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) * TENANTS / self.run.rate)
            if self.run.writing.is_set():
                await self.commit()

    async def commit(self):
        self.number += 1
        name = f"r{self.number}"
        operations = [
            {"id": str(uuid.uuid4()), "kind": "create", "collection": "jobs", "record": name, "clock": {"writer": 1},
             "fields": {"n": self.number}},
            {"id": str(uuid.uuid4()), "kind": "create" if self.number == 1 else "update", "collection": "jobs",
             "record": "hot", "clock": {"writer": self.number}, "fields": {"n": self.number}}]
        key = uuid.uuid4()
        while True:
            try:
                answer = await self.connection.ask(
                    random.choice(self.run.servers).port, "POST", "/v1/batches?return=minimal",
                    {"operations": operations}, key)
                break
            except Refused as refused:
                if refused.status not in (429, 503):
                    raise
                self.run.counts[f"writer {refused.status}"] += 1
            except LOST:
                self.run.counts["writer lost"] += 1
            await asyncio.sleep(0.2)
        outcomes = {result["outcome"] for result in answer["results"]}
        if outcomes != {"applied"}:
            raise RuntimeError(f"a batch was not applied: {answer}")
        self.acknowledged.records.add(name)
        self.acknowledged.last = self.number


class Reader:
    """One subscriber, which connects again by itself."""

    def __init__(self, run, index, tenant, token):
        self.run, self.tenant, self.token = run, tenant, token
        self.server = index % len(run.servers)
        self.heard = Heard()
        self.stream = None
        self.last_id = None
        self.retry = 2.0
        self.connected = False

    async def work(self):
        while True:
            try:
                async with self.run.connecting:
                    self.stream = await EventStream.open(
                        self.run.servers[self.server].port, self.token, self.query(), self.last_id)
                self.connected = True
                await self.listen()
            except Refused as refused:
                self.run.counts[f"reader {refused.status}"] += 1
                if refused.status not in (429, 503):
                    self.run.faults.append(f"a reader was refused: {refused}")
                    return
                self.retry = max(refused.retry_after, 1)
            except LOST:
                self.run.counts["streams lost"] += 1
            self.drop()
            self.server = (self.server + 1) % len(self.run.servers)
            # Not all at once, as browsers and phones are not.
            await asyncio.sleep(self.retry * random.uniform(0.8, 1.2))

    async def listen(self):
        while (event := await self.stream.next()) is not None:
            if "retry" in event:
                self.retry = int(event["retry"]) / 1000
            if event.get("event") == "end":
                self.run.counts["streams ended"] += 1
            elif "event" in event:
                self.take(event)
                self.last_id = event["id"]

    def drop(self):
        self.connected = False
        if self.stream:
            self.stream.close()
            self.stream = None


class RecordReader(Reader):
    """Is sent the records themselves."""

    def query(self):
        return "deliver=records"

    def take(self, event):
        self.heard.take(json.loads(event["data"]))


class HintReader(Reader):
    """Is told that there is something, and pulls from its own cursor. It pulls for no other reason."""

    def __init__(self, run, index, tenant, token, pulling):
        super().__init__(run, index, tenant, token)
        self.pulling = pulling
        self.cursor = None
        self.hinted = asyncio.Event()

    def query(self):
        return "deliver=hints"

    def take(self, event):
        self.hinted.set()

    async def pull(self):
        while True:
            await self.hinted.wait()
            # Hints that come meanwhile are one pull.
            await asyncio.sleep(random.uniform(*self.run.pull_delay))
            self.hinted.clear()
            try:
                more = True
                while more:
                    since = f"&since={self.cursor}" if self.cursor else ""
                    page = await self.pulling.ask(
                        self.run.servers[self.server].port, "GET", f"/v1/changes?limit=500{since}")
                    self.heard.take(page)
                    self.cursor, more = page["cursor"], page["more"]
            except (Refused, *LOST) as error:
                if isinstance(error, Refused) and error.status not in (429, 503):
                    self.run.faults.append(f"a pull was refused: {error}")
                    return
                self.run.counts["pulls again"] += 1
                self.hinted.set()


class Run:
    """One engine: readers, writers and what happens to the servers."""

    def __init__(self, title, servers, tokens, options):
        self.title, self.servers, self.options = title, servers, options
        self.rate = options.rate
        self.pull_delay = (1.0, 3.0)
        self.counts = collections.Counter()
        self.faults = []
        self.rows = []
        self.writing = asyncio.Event()
        self.connecting = asyncio.Semaphore(64)
        self.writers = {tenant: Writer(self, tenant, own["writer"]) for tenant, own in tokens.items()}
        pulling = {(tenant, device): Connection(token) for tenant, own in tokens.items()
                   for device, token in own.items()}
        names = sorted(tokens)
        self.readers = []
        for index in range(options.readers):
            # Neighbours differ in tenant, then in kind, then in device.
            tenant = names[index % TENANTS]
            device = f"d{index // TENANTS // 2 % DEVICES}"
            reader = (self, index // 3, tenant, tokens[tenant][device])
            self.readers.append(
                RecordReader(*reader) if index // TENANTS % 2 else HintReader(*reader, pulling[tenant, device]))

    def note(self, what, figure):
        print(f"  {what:62} {figure}", flush=True)

    async def everyone(self, seconds=60):
        """Waits until all readers are connected. - Returns: how long that took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if all(reader.connected for reader in self.readers):
                return time.monotonic() - began
            await asyncio.sleep(0.1)
        missing = sum(not reader.connected for reader in self.readers)
        self.faults.append(f"{missing} readers were not connected again after {seconds} s")
        return seconds

    async def write(self, seconds):
        self.writing.set()
        await asyncio.sleep(seconds)

    async def caught_up(self):
        """Waits until everybody has heard of everything. - Returns: how long that took."""
        self.writing.clear()
        # A batch under way is still acknowledged.
        await asyncio.sleep(1.5)
        began = time.monotonic()
        while time.monotonic() - began < CATCH_UP:
            if not self.lacking():
                return time.monotonic() - began
            await asyncio.sleep(0.2)
        lacking = self.lacking()
        kinds = collections.Counter(type(reader).__name__ for reader in lacking)
        records = sum(reader.heard.lacks(self.writers[reader.tenant].acknowledged) for reader in lacking)
        self.faults.append(f"{len(lacking)} readers ({dict(kinds)}) miss {records} acknowledged changes")
        return CATCH_UP

    def lacking(self):
        return [reader for reader in self.readers
                if reader.heard.lacks(self.writers[reader.tenant].acknowledged)]

    def shape(self):
        return [(server.descriptors(), server.threads()) for server in self.servers]

    async def blocking(self, work, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)

    # The course

    async def play(self, trouble):
        print(f"\n{self.title}: {len(self.readers)} readers, {TENANTS} writers, {self.rate:g} batches a second", flush=True)
        tasks = [asyncio.create_task(thing.work()) for thing in [*self.readers, *self.writers.values()]]
        tasks += [asyncio.create_task(reader.pull()) for reader in self.readers if isinstance(reader, HintReader)]
        for task in tasks:
            task.add_done_callback(self.ended)
        try:
            self.note("connected at first after", f"{await self.everyone():.1f} s")
            await self.write(3)
            for what, happen, mend in trouble:
                began = time.monotonic()
                await happen()
                # The readers notice before it is asked whether they are back.
                await asyncio.sleep(1)
                await self.everyone()
                self.note(f"{what}: all readers back after", f"{time.monotonic() - began:.1f} s")
                await mend()
                await self.write(2)
            took = await self.caught_up()
            acknowledged = sum(len(writer.acknowledged.records) for writer in self.writers.values())
            self.note(f"{acknowledged} batches acknowledged; everybody has all of them after", f"{took:.1f} s")
            await self.churn()
            await self.idle()
        finally:
            for task in tasks:
                task.cancel()
            for reader in self.readers:
                reader.drop()
            for connection in [writer.connection for writer in self.writers.values()] + [
                    reader.pulling for reader in self.readers if isinstance(reader, HintReader)]:
                connection.close()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.left()
        self.note("what the clients met", dict(sorted(self.counts.items())))
        return [f"{self.title}: {fault}" for fault in self.faults]

    def ended(self, task):
        if not task.cancelled() and task.exception():
            self.faults.append(f"{type(task.exception()).__name__}: {task.exception()}")

    async def churn(self):
        """All readers leave and come back to the servers that run, which keep nothing of the former ones."""
        shapes = []
        # The first time the pool of connections to the database may grow to its size.
        for _ in range(3):
            for reader in self.readers:
                if reader.stream:
                    # Its socket is gone at once, as that of a phone that is switched off is.
                    reader.stream.writer.transport.abort()
            await asyncio.sleep(0.5)
            await self.everyone()
            await asyncio.sleep(1)
            shapes.append(self.shape())
        self.note("descriptors, as all readers leave and return", [sum(fds for fds, _ in shape) for shape in shapes])
        self.note("threads", [sum(threads for _, threads in shape) for shape in shapes])
        if sum(fds for fds, _ in shapes[-1]) > sum(fds for fds, _ in shapes[0]) + 40:
            self.faults.append("descriptors grow")
        if sum(threads for _, threads in shapes[-1]) > sum(threads for _, threads in shapes[0]) + 8:
            self.faults.append("threads grow")

    async def idle(self):
        """Over one interval of comments, so that each reader is looked after once."""
        await asyncio.sleep(1)
        before = [server.processor_seconds() for server in self.servers]
        await asyncio.sleep(KEEP_ALIVE)
        used = [(server.processor_seconds() - start) * IDLE_SECONDS / KEEP_ALIVE
                for server, start in zip(self.servers, before)]
        self.note(f"processor time in {IDLE_SECONDS} idle seconds", " + ".join(f"{seconds:.2f} s" for seconds in used))
        if max(used) > IDLE_LIMIT:
            self.faults.append(f"an idle server takes {max(used):.2f} s of processor time in {IDLE_SECONDS} s")

    async def left(self):
        """Nothing is left of readers that have gone."""
        names = ["rejoin_open_streams", "rejoin_waiting_readers", "rejoin_connections"]
        began = time.monotonic()
        while time.monotonic() - began < 10:
            gauges = {server.port: {name: await self.blocking(server.gauge, name) for name in names}
                      for server in self.servers}
            # The connection that asks is one.
            if all(found["rejoin_open_streams"] == found["rejoin_waiting_readers"] == 0
                   and found["rejoin_connections"] <= 2 for found in gauges.values()):
                self.note("no readers, streams and connections left after", f"{time.monotonic() - began:.1f} s")
                return
            await asyncio.sleep(0.2)
        self.faults.append(f"something is left of readers that have gone: {list(gauges.values())}")


def tokens_of(place):
    return {f"t{number}": place.tokens(f"t{number}", ["writer"] + [f"d{device}" for device in range(DEVICES)])
            for number in range(TENANTS)}


async def nothing():
    pass


async def embedded(place, tokens, options):
    server = Server(place, None, *OPTIONS)
    run = Run("SQLite, one server", [server], tokens, options)

    async def kill():
        server.kill()
        await run.blocking(server.start)

    return await run.play([("killed and started again", kill, nothing)] * 3)


async def shared(place, tokens, options):
    cluster = PostgreSQL(place)
    servers = [Server(place, cluster.database, *OPTIONS) for _ in range(2)]
    run = Run("PostgreSQL, two servers", servers, tokens, options)

    async def restart():
        await run.blocking(cluster.stop_immediately)
        await asyncio.sleep(2)
        await run.blocking(cluster.start)

    def killed(index):
        async def kill():
            servers[index].kill()

        async def start():
            await run.blocking(servers[index].start)
        return f"server {index + 1} killed, the other one is left", kill, start

    return await run.play([killed(0), ("PostgreSQL stopped for 2 s", restart, nothing), killed(1)])


def crash(place, options):
    """- Returns: the promises that were broken."""
    tokens = tokens_of(place)
    faults = []
    for part in (embedded, shared):
        faults += asyncio.run(part(place, tokens, options))
        for thing in reversed(place.started):
            thing.stop()
        place.started.clear()
    return faults
