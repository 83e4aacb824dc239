"""Holds a real server against its OpenAPI document with generated requests. Called by fuzz.sh."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import oddities

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "Schemas" / "OpenAPI" / "openapi.yaml"
COLLECTIONS = ROOT / "Schemas" / "Examples" / "contractor.yaml"
TOOLS = pathlib.Path(sys.executable).parent
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "allow_header_conformance",
]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
SEED = os.environ.get("FUZZ_SEED", "1")
START_SECONDS = 30


def validate():
    found = subprocess.run(
        [TOOLS / "openapi-spec-validator", "--errors", "all", DOCUMENT], capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"{found.stdout}{found.stderr}contract fuzz: the document is not valid")


def start(rejoin, data, log):
    """Starts a server on a free port. Returns it and its address."""
    server = subprocess.Popen(
        [rejoin, "serve", "--data", data, "--port", "0", "--collections", COLLECTIONS], stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        address = re.search(r"http://[^\s,]+", pathlib.Path(log.name).read_text())
        if address:
            return server, address.group()
        time.sleep(0.05)
    server.kill()
    sys.exit(f"{pathlib.Path(log.name).read_text()}contract fuzz: the server did not start")


def token(rejoin, data, *who):
    return subprocess.run(
        [rejoin, "token", "--tenant", "fuzz", "--data", data, *who], capture_output=True, text=True, check=True
    ).stdout.strip()


def seed(address, tokens):
    """Stores something of each kind, so that reads have something to answer."""

    def commit(device, key, *operations):
        request = urllib.request.Request(
            f"{address}/v1/batches", method="POST",
            data=json.dumps({"atomic": False, "operations": operations}).encode(),
            headers={
                "Authorization": f"Bearer {tokens[device]}", "Content-Type": "application/json", "Idempotency-Key": key,
            })
        with urllib.request.urlopen(request) as answer:
            return [result["outcome"] for result in json.load(answer)["results"]]

    def operation(number, kind, record, clock, **fields):
        members = {"id": f"op-{number}", "kind": kind, "collection": "estimates", "record": record, "clock": clock}
        return members | ({"fields": fields} if fields else {})

    outcomes = commit(
        "ipad-7", "seed-1",
        operation(1, "create", "e-42", {"ipad-7": 1}, title="Kitchen", status="draft", phone="1", tags={"$add": ["a"]}),
        operation(2, "create", "gone", {"ipad-7": 1}, title="Attic"),
        operation(3, "create", "bad", {"ipad-7": 1}, title=7))
    outcomes += commit(
        "mac-2", "seed-2",
        operation(4, "create", "e-42", {"mac-2": 1}, title="Bath", status="sent", phone="2", visits={"$increment": 1}),
        operation(5, "delete", "gone", {"ipad-7": 1, "mac-2": 1}))
    expected = ["applied", "applied", "rejected", "conflicted", "applied"]
    if outcomes != expected:
        sys.exit(f"contract fuzz: the seed was answered {outcomes}, expected {expected}")


def commits(address):
    """How many batches the server has committed."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        return int(re.search(r'rejoin_batches_total\{end="committed"\} (\d+)', answer.read().decode()).group(1))


def fuzz(address, who, token, examples, reports):
    """Runs the generated requests with one token. Returns whether every answer conformed, and how many there were."""
    report = reports / f"{who}.ndjson"
    command = [
        TOOLS / "schemathesis", "run", DOCUMENT, "--url", address,
        "--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--max-examples", str(examples),
        "--seed", SEED, "--generation-database", "none", "--phases", "examples,coverage,fuzzing",
        "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "70",
        # It is answered for as long as somebody listens; its tests hold it to the document.
        "--exclude-path", "/v1/changes/stream",
        "--no-color", "--report", "ndjson", "--report-ndjson-path", report,
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "generation", "PYTHONPATH": str(HERE)}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=reports)
    if found.returncode != 0:
        print(found.stdout, found.stderr, sep="\n")
    return found.returncode == 0, len(re.findall(r'"request"\s*:\s*\{', report.read_text()))


def main():
    rejoin = sys.argv[1]
    began = time.monotonic()
    validate()
    with tempfile.TemporaryDirectory(prefix="rejoin-fuzz-") as directory:
        place = pathlib.Path(directory)
        data = place / "data"
        with open(place / "server.log", "w") as log:
            server, address = start(rejoin, data, log)
            try:
                tokens = {device: token(rejoin, data, "--device", device) for device in ("ipad-7", "mac-2")}
                seed(address, tokens)
                # Most of what an administrator asks is forbidden: fewer examples show that.
                runs = [
                    ("device", tokens["ipad-7"], EXAMPLES),
                    ("reviewer", token(rejoin, data, "--role", "reviewer"), EXAMPLES // 2),
                    ("admin", token(rejoin, data, "--role", "admin"), EXAMPLES // 4),
                ]
                failed, requests = [], 0
                seeded = commits(address)
                for who, bearer, examples in runs:
                    conforms, count = fuzz(address, who, bearer, examples, place)
                    requests += count
                    if not conforms:
                        failed.append(who)
                committed = commits(address)
                everyone = token(
                    rejoin, data, "--device", "odd", "--role", "reviewer", "--role", "admin")
                odd, wrong = oddities.check(DOCUMENT, address, everyone, token(rejoin, data, "--device", "mac-2"))
                requests += odd
                for line in wrong:
                    print(f"contract fuzz: {line}")
                if wrong:
                    failed.append("what no generator sends")
                if server.poll() is not None:
                    failed.append("the server ended")
            finally:
                server.send_signal(signal.SIGTERM)
                try:
                    server.wait(timeout=40)
                except subprocess.TimeoutExpired:
                    server.kill()
                    failed.append("the server did not stop")
        if failed:
            lines = (place / "server.log").read_text().splitlines()
            print(*[line for line in lines if " info " not in line][-40:], sep="\n")
    if committed == seeded:
        failed.append("too little that was asked meant anything")
    verdict = f"findings with: {', '.join(failed)}" if failed else "every answer conforms to the document"
    print(f"contract fuzz: {requests} requests, {committed - seeded} batches committed, seed {SEED}, {time.monotonic() - began:.0f} s: {verdict}")
    sys.exit(1 if failed else 0)


main()
