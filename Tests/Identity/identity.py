#!/usr/bin/env python3
"""Has a real server take the tokens of a real OpenID provider, and refuse everything that only looks like them.

usage: identity.py SERVER
"""

import contextlib
import html
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import providers

REJOIN = sys.argv[1]
faults = []


def expect(what, is_so, detail=""):
    print(("  ok     " if is_so else "  WRONG  ") + what)
    if not is_so:
        faults.append(f"{what} {detail}")


def settings(directory, issuers, **more):
    file = pathlib.Path(directory, "settings.yaml")
    file.write_text(json.dumps({"auth": {"own-tokens": "true", "issuers": issuers, **more}}))
    return str(file)


def issuer(port, **more):
    return {"issuer": f"http://localhost:{port}", "audience": "rejoin", "tenant": "org", "leeway": "0", **more}


@contextlib.contextmanager
def server(directory, issuers, port=0, **more):
    """A server, as (its address, what it has logged)."""
    log = pathlib.Path(directory, "log")
    with open(log, "w") as output:
        process = subprocess.Popen(
            [REJOIN, "serve", "--data", f"{directory}/data", "--port", str(port), "--config",
             settings(directory, issuers, **more)],
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


class Browser:
    """A browser of one person: it keeps cookies, and goes where it is sent only when it is told to."""

    def __init__(self):
        self.cookies = {}

    def ask(self, address, form=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            form = urllib.parse.urlencode(form).encode()
        status, fields, text = providers.ask(address, "GET" if form is None else "POST", form, headers)
        for line in fields.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if "Max-Age=0" not in line:
                self.cookies[name] = value
        return status, fields["Location"], text.decode()


def sign_in(address, provider, client, user, **claims):
    """Presses the button, says at the provider who one is, and comes back. Returns the browser, and where it came back to."""
    body = json.dumps(claims).encode()
    providers.ask(f"http://localhost:{provider}/users/{user}", "PUT", body, {"Content-Type": "application/json"})
    browser = Browser()
    status, there, _ = browser.ask(f"{address}/review/provider?to=/review/summary")
    assert status == 303, status
    assert f"client_id={client}&" in there, there
    status, _, page = Browser().ask(there)
    assert status == 200 and "form" in page, page
    status, back, page = Browser().ask(there, {"sub": user})
    assert status == 302, page
    return browser, back


def signing_in(directory):
    print("reviewers who sign in with their provider")
    port = free_port()
    roles = {"claim": "groups", "names": {"dispatcher": "reviewer"}}
    with providers.provider() as provider:
        client, secret = providers.client(provider, f"http://127.0.0.1:{port}/review/provider/callback")
        file = pathlib.Path(directory, "secret")
        file.write_text(secret + "\n")
        file.chmod(0o600)
        way = {
            "issuer": f"http://localhost:{provider}", "client-id": client, "client-secret-file": str(file),
            "address": f"http://127.0.0.1:{port}"}
        with server(directory, [issuer(provider, roles=roles)], port, **{"sign-in": way}) as (address, log):
            expect("the page has the button", f"{address}/review/provider" in Browser().ask(f"{address}/review")[2])
            rita, back = sign_in(address, provider, client, "rita", org="acme", groups=["dispatcher"])
            expect("the provider sends back to the settings' address", back.startswith(f"{address}/review/provider/callback?"))
            stranger = Browser().ask(back)
            expect("another browser has no use of it", stranger[0] == 403 and "cannot be finished" in stranger[2])
            status, _, page = rita.ask(back)
            expect("the reviewer is signed in", status == 200 and 'url=/review/summary"' in page, page + log())
            status, _, page = rita.ask(f"{address}/review")
            expect("and reviews", status == 200 and "rita" in page and "acme" in page, page)
            expect("as one whom the provider signed in", "<td>your provider</td>" in rita.ask(f"{address}/review/sessions")[2])
            expect("the way back counts once", rita.ask(back)[0] == 403)
            kept = dict(rita.cookies)
            form = {"csrf": html.unescape(re.search(r'name="csrf" value="([^"]*)"', page).group(1))}
            expect("signing out is a page", rita.ask(f"{address}/review/sign-out", form)[0] == 200)
            rita.cookies = kept
            expect("and ends the session, whoever has its cookie", rita.ask(f"{address}/review")[0] == 401)
            ben, back = sign_in(address, provider, client, "ben", org="acme", groups=["driver"])
            status, _, page = ben.ask(back)
            expect("who reviews nothing is told so", status == 403 and "Not for this role" in page, page)
            expect("and is not signed in", ben.ask(f"{address}/review")[0] == 401)
            file.write_text("another")
            rita, back = sign_in(address, provider, client, "rita", org="acme", groups=["dispatcher"])
            status, _, page = rita.ask(back)
            expect("with a wrong secret nobody is signed in", status == 503 and "invalid_client" in log(), page + log())
            file.write_text(secret)
            rita, back = sign_in(address, provider, client, "rita", org="acme", groups=["dispatcher"])
            expect("and it is read again", rita.ask(back)[0] == 200, log())
            code = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["code"][0]
            expect("no secret is in the log", not any(word in log() for word in (secret, code, "eyJ")))
        command = [REJOIN, "doctor", "--data", f"{directory}/data", "--config",
                   settings(directory, [issuer(provider, roles=roles)], **{"sign-in": way})]
        doctor = subprocess.run(command, capture_output=True, text=True).stdout
        expect("doctor says where", "ok     sign-in: at http://localhost" in doctor and secret not in doctor, doctor)
        file.chmod(0o644)
        doctor = subprocess.run(command, capture_output=True, text=True).stdout
        expect("and that a secret is for nobody else", "wrong  sign-in: others can read" in doctor, doctor)
        file.unlink()
        serve = subprocess.run([REJOIN, "serve", *command[2:], "--port", "0"], capture_output=True, text=True)
        expect("without its secret the server does not start", serve.returncode == 2 and str(file) in serve.stderr, serve.stderr)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def answers_to_codes(directory):
    print("token endpoints whose answers are not to be taken")
    port = free_port()
    roles = {"claim": "groups", "names": {"dispatcher": "reviewer"}}
    reasons = {
        "token-led-away": "answers 302", "token-large": "more than 1048576 bytes", "token-slow": "longer than 10 seconds",
        "token-nonsense": "no ID token", "token-refused": "answers 400 invalid_grant"}
    with providers.misbehaving() as provider:
        providers.Misbehaving.forms.clear()
        for name, reason in reasons.items():
            at = f"http://localhost:{provider}/{name}"
            way = {"issuer": at, "client-id": "the pages", "address": f"http://127.0.0.1:{port}"}
            issuers = [{"issuer": at, "audience": "rejoin", "tenant": "org", "roles": roles}]
            with server(directory, issuers, port=port, **{"sign-in": way}) as (address, log):
                browser = Browser()
                status, there, _ = browser.ask(f"{address}/review/provider")
                assert status == 303 and there.startswith(f"{at}/authorize?"), there
                state = urllib.parse.parse_qs(urllib.parse.urlparse(there).query)["state"][0]
                began = time.monotonic()
                status, _, page = browser.ask(f"{address}/review/provider/callback?code=made-up&state={state}")
                expect(f"{name}: {reason}", status in (403, 503) and reason in log() and "rejoin_review" not in browser.cookies, log())
                expect("in bounded time, and the page tells nothing of it", time.monotonic() - began < 15 and reason not in page)
        form, headers = providers.Misbehaving.forms[0]
        expect(
            "a client without a secret says who it is, and has a verifier",
            form["client_id"] == ["the pages"] and len(form["code_verifier"][0]) == 43 and form["code"] == ["made-up"]
            and "Authorization" not in headers, form)


for part in (tokens, expired, rotation, away, misbehaving, signing_in, answers_to_codes):
    with tempfile.TemporaryDirectory() as directory:
        part(directory)
if faults:
    sys.exit("\n".join(["identity: some of it is wrong"] + faults))
