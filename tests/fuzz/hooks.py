# What the fuzzer cannot guess: ids of things that are there. Some of what it makes up is replaced by them, always the same for the same value, so that a seed
# gives the same requests; and whatever would be sent to a host of the internet goes to a receiver of ours.
import json
import os
import zlib

import schemathesis

WORLD = json.loads(os.environ["FUZZ_WORLD"])


def pick(things, value, spared=4):
    """One of the things, or the value itself once in `spared` times."""
    number = zlib.crc32(repr(value).encode("utf-8", "surrogatepass"))
    return value if number % spared == 0 else things[number // spared % len(things)]


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    operation = context.operation
    # What is deleted is what a request before has made; else there would soon be nothing left.
    if path_parameters and operation.method.lower() != "delete":
        parts = operation.path.split("/")
        for things, part in zip(parts, parts[1:]):
            name = part.strip("{}")
            if part.startswith("{") and part not in ("{format}", "{kind}") and name in path_parameters and things in WORLD["ids"]:
                path_parameters[name] = pick(WORLD["ids"][things], path_parameters[name])
    return path_parameters


def known(name, value):
    if name in ("company_id", "writeKey", "api_key"):
        return pick([WORLD["company"]], value, spared=8)
    if name == "sessionId":
        return pick(WORLD["sessions"], value, spared=3)
    if name in ("userId", "into", "from", "profileId"):
        return pick(WORLD["ids"]["users"], value, spared=3)
    if name == "email":
        return pick(WORLD["emails"], value, spared=2)
    if isinstance(value, dict):
        return {inner: known(inner, given) for inner, given in value.items()}
    return value


@schemathesis.hook
def map_body(context, body):
    # An identify is taken back by its message id, a merge by a profile's, and never both at once.
    if isinstance(body, dict) and context.operation.path.endswith("/identity/undo") and "messageId" in body:
        body["messageId"] = pick(WORLD["said"], body["messageId"])
        if "profileId" in body and body["messageId"] in WORLD["said"]:
            del body["profileId" if len(repr(body)) % 2 else "messageId"]
    return known("", body)


@schemathesis.hook
def map_query(context, query):
    # A stream tells what there is, and does not wait for more.
    if context.operation.path.endswith("/stream"):
        query = {**(query or {}), "seconds": (query or {}).get("seconds", 0)}
    # Names of columns and rows are not to be guessed.
    exported = "/export/" in context.operation.path
    for name, value in (query or {}).items():
        if exported and name == "fields":
            query[name] = pick(WORLD["columns"]["events" if "/events/" in context.operation.path else "users"], value)
        elif exported and name == "after":
            query[name] = pick(WORLD["after"], value, spared=3)
        elif name in ("userId", "email"):
            query[name] = known(name, value)
    return query


@schemathesis.hook
def before_call(context, case, kwargs):
    # In every phase, the documented examples too. Some users stay: a link leads from an identify to erasing whom it is about.
    if case.method.upper() == "DELETE" and case.operation.path == "/api/admin/users/{id}" and case.path_parameters.get("id") in WORLD["spared"]:
        case.path_parameters["id"] = "nobody"
    for name in ("url", "crm_webhook_url"):
        if isinstance(case.body, dict) and str(case.body.get(name)).lower().startswith("https:"):
            case.body[name] = WORLD["receiver"]
