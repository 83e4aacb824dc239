#!/usr/bin/env python3
"""Has a real server take the tokens of a real OpenID provider, and refuse everything that only looks like them.

usage: identity.py SERVER
"""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import providers

REJOIN = sys.argv[1]
faults = []


def expect(what, is_so, detail=""):
    print(("  ok     " if is_so else "  WRONG  ") + what)
    if not is_so:
        faults.append(f"{what} {detail}")


def settings(directory, issuers):
    file = pathlib.Path(directory, "settings.yaml")
    file.write_text(json.dumps({"auth": {"own-tokens": "true", "issuers": issuers}}))
    return str(file)


def issuer(port, **more):
    return {"issuer": f"http://localhost:{port}", "audience": "rejoin", "tenant": "org", "leeway": "0", **more}


@contextlib.contextmanager
def server(directory, issuers):
    """A server, as (its address, what it has logged)."""
    log = pathlib.Path(directory, "log")
    with open(log, "w") as output:
        process = subprocess.Popen(
            [REJOIN, "serve", "--data", f"{directory}/data", "--port", "0", "--config", settings(directory, issuers)],
            stdout=output, stderr=output)
    try:
        address = None
        while not address:
            assert process.poll() is None, log.read_text()
            address = re.search(r"listening on (http://[^\s,]+)", log.read_text())
            time.sleep(0.05)
        yield address.group(1), log.read_text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def call(address, token, path="/v1/session", method="GET", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    status, _, text = providers.ask(
        address + path, method, body, {"Authorization": f"Bearer {token}", **headers})
    return status, json.loads(text)


def until(seconds, condition):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.5)
    return False


def tokens(directory):
    print("tokens of a provider, whose keys are discovered")
    with providers.provider() as port, providers.provider() as other, server(directory, [issuer(port)]) as (address, _):
        good = providers.id_token(port, org="acme")
        status, session = call(address, good)
        expect("a token is taken", status == 200 and session["tenant"] == "acme" and session["user"] == "ada", session)
        for what, bad in [
            ("a token for another service", providers.id_token(port, client="another", org="acme")),
            ("a token of another provider", providers.id_token(other, org="acme")),
            ("a token without the tenant's claim", providers.id_token(port)),
            ("a token whose tenant is a list", providers.id_token(port, org=["acme"])),
            ("a token of 'none'", providers.unsigned(good)),
            ("a token signed by a stranger", providers.signed_by_a_stranger(good)),
            *(("HS256 with the public key", bad) for bad in providers.signed_with_the_public_key(good, port)),
        ]:
            status, problem = call(address, bad)
            expect(f"{what} is refused", status == 401 and problem["code"] == "unauthenticated", problem)
        devices(address, good, providers.id_token(port, user="ben", org="acme"))


def devices(address, ada, ben):
    print("devices that requests name")
    expect("one that nobody registered is refused", call(address, ada, Rejoin_Device="ipad")[0] == 403)
    registered = call(address, ada, "/v1/devices", "POST", {"id": "ipad"})
    expect("a user registers one", registered[0] == 201, registered)
    batch = {"operations": [
        {"id": "op-1", "kind": "create", "collection": "notes", "record": "r", "clock": {"ipad": 1}, "fields": {"v": 1}}]}
    answer = call(address, ada, "/v1/batches", "POST", batch, Rejoin_Device="ipad", Idempotency_Key="k")
    expect("and writes with it", answer[0] == 200 and answer[1]["results"][0]["outcome"] == "applied", answer)
    page = call(address, ada, "/v1/changes", Rejoin_Device="ipad")
    expect("and reads with it", page[0] == 200 and page[1]["changes"][0]["id"] == "r", page)
    expect("another user has no use of it", call(address, ben, Rejoin_Device="ipad")[0] == 403)
    expect("and cannot register it", call(address, ben, "/v1/devices", "POST", {"id": "ipad"})[0] == 403)


def expired(directory):
    print("a token whose time is over")
    with providers.provider(valid_seconds=3) as port, server(directory, [issuer(port)]) as (address, _):
        token = providers.id_token(port, org="acme")
        expect("is taken while it is not", call(address, token)[0] == 200)
        time.sleep(3.5)
        status, problem = call(address, token)
        expect("is told so", status == 401 and problem["code"] == "token_expired", problem)


def rotation(directory):
    print("a provider that is away, and comes back with another key")
    with contextlib.ExitStack() as first:
        port = first.enter_context(providers.provider())
        with server(directory, [issuer(port)]) as (address, log):
            old, later = (providers.id_token(port, user=user, org="acme") for user in ("ada", "ben"))
            expect("its tokens are taken", call(address, old)[0] == 200)
            first.close()
            expect("they are while it is away", call(address, old)[0] == 200 and call(address, later)[0] == 200)
            with providers.provider(port):
                new = providers.id_token(port, org="acme")
                expect("a token of the new key is taken at once", call(address, new)[0] == 200, log())
                expect("the old key is gone", call(address, old)[0] == 401)
                expect("the log says so", "the keys were read again" in log())


def away(directory):
    print("a provider that is away when the server starts")
    with providers.provider() as port:
        token = providers.id_token(port, org="acme")
    with server(directory, [issuer(port)]) as (address, log):
        expect("the server starts and says so", "keys cannot be had" in log())
        status, problem = call(address, token)
        expect("its tokens are not called bad", status == 503 and problem["retryable"], problem)
        own = subprocess.run(
            [REJOIN, "token", "--tenant", "acme", "--role", "admin", "--data", f"{directory}/data"],
            capture_output=True, text=True, check=True).stdout.strip()
        expect("the server's own are taken", call(address, own)[0] == 200)
        with providers.provider(port):
            new = providers.id_token(port, org="acme")
            expect("the provider's are once it is there", until(30, lambda: call(address, new)[0] == 200), log())


def misbehaving(directory):
    print("answers that are not to be taken")
    names = {
        "led-away": "answers 302", "missing": "answers 404", "another": "tells of another issuer", "in-clear": "no 'jwks_uri'",
        "large": "more than 1048576 bytes", "slow": "longer than 10 seconds", "nonsense": "no JWKS"}
    with providers.misbehaving() as port:
        issuers = [
            {"issuer": f"http://localhost:{port}/{name}", "audience": "rejoin", "tenant": name + ":{sub}"} for name in names]
        began = time.monotonic()
        doctor = subprocess.run(
            [REJOIN, "doctor", "--data", f"{directory}/data", "--config", settings(directory, issuers)],
            capture_output=True, text=True)
        findings = "".join(line for line in doctor.stdout.splitlines() if " tokens: " in line).split("; ")
        for name, reason in names.items():
            expect(
                f"{name}: {reason}", any(f"/{name}" in finding and reason in finding for finding in findings), doctor.stdout)
        expect("all at once, in the time of one", time.monotonic() - began < 25)


for part in (tokens, expired, rotation, away, misbehaving):
    with tempfile.TemporaryDirectory() as directory:
        part(directory)
if faults:
    sys.exit("\n".join(["identity: some of it is wrong"] + faults))
