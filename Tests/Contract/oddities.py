"""What no generator sends: parameters that nobody declared, and requests that no library would write.

Every answer must be one that a client can act on: never a failure of the server's own, and never a commit.
"""

import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

import yaml

TIMEOUT = 20


def misspelt(names):
    """Names that a route does not have: what it has, spelt wrongly, and what others have."""
    wrong = {"dryrun", "DryRun", "colection", "Since", "q", "tenant", "_", "limit[]", "é"}
    for name in names:
        wrong |= {name.upper(), name + "s", name[:-1], name.capitalize(), f" {name}", f"{name}\u200b"}
    return sorted(wrong - set(names) - {""})


def operations(document):
    """Each operation's method, path and query parameters."""

    def resolved(parameter):
        reference = parameter.get("$ref")
        return document["components"]["parameters"][reference.rsplit("/", 1)[1]] if reference else parameter

    for path, item in document["paths"].items():
        for method, operation in item.items():
            parameters = map(resolved, operation.get("parameters", []))
            yield method.upper(), path, [p["name"] for p in parameters if p["in"] == "query"]


def unknown_parameters(document, address, token):
    """Asks each operation with each misspelt parameter. Returns the number of requests and what was wrong."""
    count, wrong = 0, []
    body = json.dumps({"operations": [], "id": "odd", "choose": "winner", "version": 1, "text": "x", "user": None})
    for method, path, names in operations(document):
        for name in misspelt(names):
            uri = re.sub(r"\{[a-z]+\}", "1", path) + "?" + urllib.parse.urlencode({name: "true"})
            headers = {"Authorization": f"Bearer {token}"}
            if method not in ("GET", "DELETE"):
                headers |= {"Content-Type": "application/json", "Idempotency-Key": f"odd-{count}"}
            request = urllib.request.Request(
                address + uri, method=method, headers=headers,
                data=body.encode() if method not in ("GET", "DELETE") else None)
            count += 1
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                    wrong.append(f"{method} {uri} was answered {answer.status}")
            except urllib.error.HTTPError as refusal:
                problem = json.loads(refusal.read() or b"{}")
                if refusal.code != 400 or problem.get("code") != "invalid_request":
                    wrong.append(f"{method} {uri} was answered {refusal.code} {problem.get('code')}")
    return count, wrong


def transports(token):
    """Requests as bytes: by name, and the statuses that they may be answered with. 0: the connection is ended without one."""
    authorized = f"Authorization: Bearer {token}\r\n"
    json_type = "Content-Type: application/json\r\n"
    host = "Host: localhost\r\n"
    refused = {0, 400, 404, 405, 408, 411, 413, 414, 415, 417, 422, 426, 431, 501, 505}
    batch = '{"operations":[]}'

    def post(headers, body, key="odd"):
        return f"POST /v1/batches HTTP/1.1\r\n{host}{authorized}{json_type}Idempotency-Key: {key}\r\n{headers}\r\n{body}"

    length = f"Content-Length: {len(batch)}\r\n"
    chunks = f"{len(batch):x}\r\n{batch}\r\n0\r\n"
    whole = refused | {200}
    return {
        "a body in chunks": (post("Transfer-Encoding: chunked\r\n", chunks + "\r\n", "c1"), {200}),
        "chunks of one byte": (
            post("Transfer-Encoding: chunked\r\n", "".join(f"1\r\n{c}\r\n" for c in batch) + "0\r\n\r\n", "c2"), {200}),
        "a chunk with an extension": (
            post("Transfer-Encoding: chunked\r\n", f"{len(batch):x};a=b\r\n{batch}\r\n0\r\n\r\n", "c3"), whole),
        "a trailer that names a key": (
            post("Transfer-Encoding: chunked\r\n", chunks + "Idempotency-Key: other\r\n\r\n", "c4"), whole),
        "a chunk's length that is none": (post("Transfer-Encoding: chunked\r\n", f"zz\r\n{batch}\r\n0\r\n\r\n"), refused),
        "a chunk's length beyond all": (
            post("Transfer-Encoding: chunked\r\n", f"fffffffffffffffff\r\n{batch}\r\n0\r\n\r\n"), refused),
        "two lengths": (post(length + "Content-Length: 3\r\n", batch), refused),
        "a length and chunks": (post(length + "Transfer-Encoding: chunked\r\n", chunks + "\r\n"), refused),
        "a length that is negative": (post("Content-Length: -1\r\n", batch), refused),
        "a length beyond all": (post("Content-Length: 99999999999999999999\r\n", batch), refused),
        "a length over the limit": (post("Content-Length: 99999999\r\n", ""), refused),
        "an encoding that is not known": (post("Transfer-Encoding: gzip\r\n", batch), refused),
        "a body that is encoded": (post(length + "Content-Encoding: gzip\r\n", batch), {415}),
        "two keys": (post(length + "Idempotency-Key: two\r\n", batch), {400}),
        "two tokens": (post(length + authorized, batch, "two tokens"), whole | {401}),
        "an expectation": (post(length + "Expect: 100-continue\r\n", batch, "expected"), whole | {100}),
        "an expectation of something else": (post(length + "Expect: tea\r\n", batch, "tea"), whole),
        "a version of long ago": (f"GET /healthz HTTP/1.0\r\n\r\n", {200}),
        "a version to come": (f"GET /healthz HTTP/9.9\r\n{host}\r\n", whole),
        "no version": ("GET /healthz\r\n\r\n", whole),
        "a method in small letters": (f"get /healthz HTTP/1.1\r\n{host}\r\n", refused),
        "a method that nobody has": (f"BREW /v1/session HTTP/1.1\r\n{host}{authorized}\r\n", refused),
        "the whole address": (f"GET http://localhost/healthz HTTP/1.1\r\n{host}\r\n", whole),
        "an address of nothing": (f"OPTIONS * HTTP/1.1\r\n{host}\r\n", refused),
        "dots in the path": (f"GET /v1/records/estimates/%2e%2e HTTP/1.1\r\n{host}{authorized}\r\n", {404}),
        "a path that leads out": (f"GET /v1/../../etc/passwd HTTP/1.1\r\n{host}{authorized}\r\n", refused),
        "a path that is no text": (f"GET /v1/records/estimates/%ff%fe HTTP/1.1\r\n{host}{authorized}\r\n", {404}),
        "a name that ends a text": (f"GET /v1/records/estimates/a%00b HTTP/1.1\r\n{host}{authorized}\r\n", {404}),
        "a query of nothing": (f"GET /healthz?&&& HTTP/1.1\r\n{host}\r\n", {200}),
        "a query that is no text": (f"GET /v1/changes?limit=%zz HTTP/1.1\r\n{host}{authorized}\r\n", {400}),
        "a query of many parts": (
            f"GET /v1/changes?{'&'.join(['a'] * 2000)} HTTP/1.1\r\n{host}{authorized}\r\n", refused),
        "a line without end": (f"GET /{'a' * 200_000} HTTP/1.1\r\n{host}\r\n", refused),
        "a header without end": (f"GET /healthz HTTP/1.1\r\n{host}X: {'a' * 200_000}\r\n\r\n", refused),
        "headers without number": (
            f"GET /healthz HTTP/1.1\r\n{host}" + "".join(f"X-{n}: 1\r\n" for n in range(5000)) + "\r\n", whole),
        "a header that is folded": (f"GET /healthz HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n", whole),
        "a header with a space in its name": (f"GET /healthz HTTP/1.1\r\n{host}X Y: a\r\n\r\n", refused),
        "a header without a name": (f"GET /healthz HTTP/1.1\r\n{host}: a\r\n\r\n", refused),
        "lines that end in a newline alone": ("GET /healthz HTTP/1.1\nHost: localhost\n\n", whole),
        "a body where none is read": (f"GET /healthz HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc", whole),
        "bytes that are no request": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", refused),
        "nothing at all": ("", {0}),
    }


def status(host, port, request):
    """Sends the bytes and ends the sending side. Returns the status of the answer; 0 where there is none."""
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        answer = b""
        try:
            connection.sendall(request.encode("latin-1", "replace"))
            connection.shutdown(socket.SHUT_WR)
            while b"\r\n" not in answer:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        except (ConnectionError, BrokenPipeError):
            pass
    found = re.match(rb"HTTP/\d\.\d (\d{3})", answer)
    return int(found.group(1)) if found else 0


def odd_transports(address, token):
    """Sends each odd request. Returns the number of requests and what was wrong."""
    place = urllib.parse.urlsplit(address)
    wrong = []
    requests = transports(token)
    for name, (request, expected) in requests.items():
        try:
            found = status(place.hostname, place.port, request)
        except TimeoutError:
            wrong.append(f"{name}: no answer, and the connection stays")
            continue
        if found not in expected:
            wrong.append(f"{name}: answered {found}")
        with urllib.request.urlopen(f"{address}/healthz", timeout=TIMEOUT) as answer:
            if answer.status != 200:
                wrong.append(f"{name}: the server is not well afterwards")
    return len(requests), wrong


def check(document_path, address, everyone, device):
    """Returns how many requests there were, and what was wrong with their answers."""
    document = yaml.safe_load(document_path.read_text())
    parameters, wrong = unknown_parameters(document, address, everyone)
    odd, more = odd_transports(address, device)
    return parameters + odd, wrong + more
