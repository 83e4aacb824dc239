"""Hooks of schemathesis that make generated requests meet what is stored.

Random names meet nothing: every read would be a 404 and every write would be rejected by its clock. So some of what is
generated is replaced by names and clocks that mean something here. What is replaced follows from the generated value itself,
so that a run is repeated by its seed.
"""

import itertools
import json
import zlib

import schemathesis

DEVICE = "ipad-7"
COLLECTIONS = ["estimates", "cost_book_items", "pricing_rules", "estimate_events", "configuration", "nowhere"]
RECORDS = ["e-42", "e-43", "gone", "singleton"]
FIELDS = ["title", "status", "visits", "tags", "lat", "lng", "phone", "validUntil", "price", "name", "formula"]

keys = itertools.count()


def choice(value, options):
    return options[zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode()) % len(options)]


def meaningful(operation, index):
    if not isinstance(operation, dict) or choice(operation, [True, True, False]) is False:
        return operation
    operation = dict(operation)
    seed = [index, operation]
    operation["collection"] = choice([seed, "collection"], COLLECTIONS)
    operation["record"] = choice([seed, "record"], RECORDS)
    operation["clock"] = choice(
        [seed, "clock"],
        [{DEVICE: 1}, {DEVICE: 2}, {DEVICE: 2, "mac-2": 1}, {DEVICE: 1, "mac-2": 2}, {DEVICE: 3}, {"mac-2": 1}],
    )
    if isinstance(operation.get("fields"), dict):
        operation["fields"] = {
            choice([seed, name], FIELDS + [name]): choice(
                [seed, name, "value"],
                [value, value, "text", 7, {"$increment": 1}, {"$add": ["x", 1], "$remove": ["y"]}],
            )
            for name, value in operation["fields"].items()
        }
    return operation


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and isinstance(body.get("operations"), list):
        body = dict(body)
        body["operations"] = [meaningful(operation, index) for index, operation in enumerate(body["operations"])]
        if "device" in body:
            body["device"] = choice(body, [DEVICE, DEVICE, body["device"]])
        if choice(body, [True, False, False]) is False:
            body["atomic"] = False
    # Queries of the feed and of records name some that are there, and do not wait.
    for member in ("only", "records"):
        if isinstance(body, dict) and isinstance(body.get(member), dict) and choice(body, [True, True, False]):
            body = dict(body) | {
                member: {
                    choice([body, name], COLLECTIONS + [name]): [choice([body, id], RECORDS + [id]) for id in ids]
                    if isinstance(ids, list) else ids
                    for name, ids in body[member].items()
                }
            }
    if isinstance(body, dict) and isinstance(body.get("wait"), int) and body["wait"] > 1:
        body = dict(body) | {"wait": body["wait"] % 2}
    return body


@schemathesis.hook
def map_headers(context, headers):
    # Generated keys are mostly the same short ones: nearly every batch would be refused for its key's sake.
    number = next(keys)
    if headers and "Idempotency-Key" in headers and number % 4:
        headers = dict(headers) | {"Idempotency-Key": f"key-{number}"}
    return headers


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    known = {
        "collection": ["estimates", "estimates"], "key": ["seed-1", "seed-3"],
        "id": ["e-42", "e-42", "gone", "op-1", "op-3", "1", "2"],
    }
    return {
        name: choice([path_parameters, name], known[name] + [value]) if name in known else value
        for name, value in (path_parameters or {}).items()
    }


@schemathesis.hook
def map_query(context, query):
    # A long poll that waits is not what is looked for here, and would use up the time.
    if query and isinstance(query.get("wait"), int) and query["wait"] > 1:
        query = dict(query) | {"wait": query["wait"] % 2}
    return query
