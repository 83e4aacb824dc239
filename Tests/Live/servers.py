"""The servers that the live tests run: `rejoin serve`, and a PostgreSQL of their own."""

import base64
import ctypes
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
KEEPER = os.path.join(HERE, "..", "PostgreSQLCluster", "keeper.sh")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """A server ends with the script, however the script ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def raise_descriptors():
    """Children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Place:
    """A temporary directory with the key that all servers of the run share, and everything that was started."""

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.root = tempfile.mkdtemp(prefix="rejoin-live-")
        self.key = os.path.join(self.root, "signing.key")
        self.started = []
        descriptor = os.open(self.key, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(descriptor, base64.b64encode(os.urandom(32)) + b"\n")
        os.close(descriptor)

    def directory(self, name):
        return tempfile.mkdtemp(prefix=name + "-", dir=self.root)

    def tokens(self, tenant, devices):
        """A token for each device. A few at a time, since each is a process."""
        tokens = {}
        for start in range(0, len(devices), 4):
            minting = {device: subprocess.Popen(
                [self.program, "token", "--signing-key", self.key, "--tenant", tenant, "--device", device],
                cwd=self.root, stdout=subprocess.PIPE, text=True) for device in devices[start:start + 4]}
            for device, process in minting.items():
                tokens[device] = process.communicate(timeout=60)[0].split()[-1]
        return tokens

    def stop(self):
        for thing in reversed(self.started):
            thing.stop()
        shutil.rmtree(self.root, ignore_errors=True)


class Server:
    """`rejoin serve`, always at the same port."""

    def __init__(self, place, database=None, *options):
        self.place = place
        self.port = free_port()
        self.process = None
        self.data = place.directory("server")
        self.options = ["--data", self.data, "--signing-key", place.key, "--port", str(self.port), "--log-level",
                        "warning", *options]
        if database:
            self.options += ["--database", database]
        self.log = open(os.path.join(self.data, "log"), "a")
        place.started.append(self)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.place.program, "serve", *self.options], stdout=subprocess.PIPE, stderr=self.log, text=True,
            preexec_fn=die_with_parent)
        line = self.process.stdout.readline()
        if f":{self.port}" not in line:
            with open(self.log.name) as log:
                raise RuntimeError(f"the server did not start: {line}{log.read()[-2000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()

    # What the kernel and the server say of it

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"^{name}:\s+(\d+)", status.read(), re.M).group(1))

    def threads(self):
        return self.status("Threads")

    def resident_mib(self):
        return self.status("VmRSS") / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def gauge(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            return int(float(re.search(rf"^{name} (\S+)", answer.read().decode(), re.M).group(1)))


class PostgreSQL:
    """A cluster of its own on a Unix socket. The keeper removes it when its input ends, also when this script is killed."""

    def __init__(self, place):
        programs = self.programs()
        user = self.user()
        # Under /tmp: its path has to fit into a socket's address, and its user has to get there.
        self.root = tempfile.mktemp(prefix="rejoin-live-pg-", dir="/tmp")
        self.data = os.path.join(self.root, "data")
        self.keeper = subprocess.Popen(
            ["bash", KEEPER, self.root, self.data, user or "", "", os.path.join(programs, "postgres")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        place.started.append(self)
        self.answer()
        change = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups",
                  "--inh-caps=-all", "--"] if user else []
        subprocess.run(
            [*change, os.path.join(programs, "initdb"), f"--pgdata={self.data}", "--username=postgres",
             "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync", "--no-instructions"],
            cwd=self.root, check=True, stdout=subprocess.DEVNULL, env={"PATH": os.defpath, "TZ": "UTC"})
        # No machine ends here: what PostgreSQL has written outlives its own end without reaching a disk.
        with open(os.path.join(self.data, "postgresql.conf"), "a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{self.root}'\nfsync = off\n")
        self.pid = None
        self.start()
        self.database = f"host={self.root} user=postgres dbname=postgres"

    @staticmethod
    def programs():
        places = "/usr/lib/postgresql"
        versions = sorted(os.listdir(places), key=float) if os.path.isdir(places) else []
        if versions:
            return os.path.join(places, versions[-1], "bin")
        found = shutil.which("initdb")
        if not found:
            raise RuntimeError("PostgreSQL's server is not installed")
        return os.path.dirname(os.path.realpath(found))

    @staticmethod
    def user():
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        return next(name for name in ("postgres", "nobody") if name in names)

    def answer(self):
        line = self.keeper.stdout.readline().strip()
        if not line.startswith("ok"):
            raise RuntimeError(f"PostgreSQL: {line}")
        return line[3:]

    def ask(self, command):
        self.keeper.stdin.write(command + "\n")
        self.keeper.stdin.flush()
        return self.answer()

    def start(self):
        self.pid = int(self.ask("start"))
        until = time.monotonic() + 30
        address = os.path.join(self.root, ".s.PGSQL.5432")
        while time.monotonic() < until:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(address)
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def stop_immediately(self):
        """As `pg_ctl stop -m immediate` does."""
        self.ask("signal QUIT")
        until = time.monotonic() + 20
        while time.monotonic() < until and self.runs():
            time.sleep(0.02)

    def runs(self):
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def stop(self):
        self.keeper.stdin.close()
        try:
            self.keeper.wait(30)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
