"""Who signs tokens, or pretends to: an OpenID provider, a stranger, and providers whose answers are not to be taken."""

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.server
import json
import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import oidc_provider_mock
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

logging.getLogger("werkzeug").setLevel(logging.ERROR)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def ask(address, method="GET", body=None, headers={}):
    """Asks, and follows nothing. Returns the status, the headers and the body."""
    request = urllib.request.Request(address, method=method, data=body, headers=headers)
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@contextlib.contextmanager
def provider(port=0, valid_seconds=3600):
    """An OpenID provider with a key of its own."""
    age = datetime.timedelta(seconds=valid_seconds)
    with oidc_provider_mock.run_server_in_thread(port=port, access_token_max_age=age) as server:
        yield server.server_port


def client(port, redirect):
    """A client that the provider knows, as (its id, its secret)."""
    body = json.dumps({"redirect_uris": [redirect]}).encode()
    status, _, text = ask(f"http://localhost:{port}/oauth2/clients", "POST", body, {"Content-Type": "application/json"})
    assert status < 300, text
    answer = json.loads(text)
    return answer["client_id"], answer["client_secret"]


def id_token(port, client="rejoin", user="ada", **claims):
    """What the provider signs for a client after its user has signed in: an authorization code, and a token for it."""
    address = f"http://localhost:{port}"
    body = json.dumps(claims).encode()
    assert ask(f"{address}/users/{user}", "PUT", body, {"Content-Type": "application/json"})[0] < 300
    query = urllib.parse.urlencode({
        "client_id": client, "redirect_uri": "http://localhost/back", "response_type": "code", "scope": "openid"})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, headers, text = ask(f"{address}/oauth2/authorize?{query}", "POST", f"sub={user}".encode(), form)
    assert status == 302, text
    code = urllib.parse.parse_qs(urllib.parse.urlparse(headers["Location"]).query)["code"][0]
    fields = urllib.parse.urlencode({
        "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/back"})
    secret = base64.b64encode(f"{client}:secret".encode()).decode()
    status, _, text = ask(
        f"{address}/oauth2/token", "POST", fields.encode(), {**form, "Authorization": f"Basic {secret}"})
    assert status == 200, text
    return json.loads(text)["id_token"]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token):
    return json.loads(decode(token.split(".")[1]))


def header(token):
    return json.loads(decode(token.split(".")[0]))


def compact(head, body):
    return ".".join(encode(json.dumps(part).encode()) for part in (head, body))


def unsigned(token):
    return compact({"alg": "none"}, claims(token)) + "."


def signed_by_a_stranger(token):
    """The same header and claims, signed with another key."""
    text = compact(header(token), claims(token))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return f"{text}.{encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def signed_with_the_public_key(token, port):
    """HS256 with what everybody can read of the provider's key as the secret, in the forms in which it is read."""
    jwk = json.loads(ask(f"http://localhost:{port}/jwks")[2])["keys"][0]
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decode(jwk[name])) for name in ("e", "n")))
    pem = numbers.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(jwk).encode(), decode(jwk["n"])):
        text = compact({**header(token), "alg": "HS256"}, claims(token))
        yield f"{text}.{encode(hmac.digest(secret, text.encode(), hashlib.sha256))}"


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Issuers by their paths, none of whose answers is to be taken."""

    protocol_version = "HTTP/1.1"
    # What was sent to them, as (the form's fields, the headers).
    forms = []

    def do_GET(self):
        name = self.path.split("/")[1]
        issuer = f"http://localhost:{self.server.server_port}/{name}"
        document = {
            "issuer": issuer, "jwks_uri": f"{issuer}/keys", "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token"}
        if self.path.endswith("/keys"):
            if name == "large":
                return self.answer(200, b" " * (2 * 1024 * 1024))
            if name == "slow":
                return self.dribble()
            return self.answer(200, b"no keys")
        if name == "led-away":
            return self.answer(302, b"", {"Location": "http://localhost:1/"})
        if name == "missing":
            return self.answer(404, b"")
        if name == "another":
            document["issuer"] = "https://another.example"
        if name == "in-clear":
            document["jwks_uri"] = "http://keys.example/keys"
        self.answer(200, json.dumps(document).encode())

    def do_POST(self):
        name = self.path.split("/")[1]
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.forms.append((urllib.parse.parse_qs(form), self.headers))
        if name == "token-led-away":
            return self.answer(302, b"", {"Location": "http://localhost:1/"})
        if name == "token-large":
            return self.answer(200, b" " * (2 * 1024 * 1024))
        if name == "token-slow":
            return self.dribble()
        if name == "token-refused":
            return self.answer(400, b'{"error": "invalid_grant", "error_description": "made-up"}')
        self.answer(200, b'{"access_token": "x"}')

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def dribble(self):
        """A byte now and then, for longer than anybody waits."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(60):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(1)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def misbehaving():
    server = http.server.ThreadingHTTPServer(("localhost", 0), Misbehaving)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
