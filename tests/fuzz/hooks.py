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
            if part.startswith("{") and name in path_parameters and things in WORLD["ids"]:
                path_parameters[name] = pick(WORLD["ids"][things], path_parameters[name])
    return path_parameters


def known(name, value):
    if name == "company_id":
        return pick([WORLD["company"]], value, spared=8)
    if name == "sessionId":
        return pick(WORLD["sessions"], value, spared=3)
    if name == "userId":
        return pick(WORLD["ids"]["users"], value, spared=3)
    if name == "email":
        return pick(WORLD["emails"], value, spared=2)
    if isinstance(value, dict):
        return {inner: known(inner, given) for inner, given in value.items()}
    return value


@schemathesis.hook
def map_body(context, body):
    return known("", body)


@schemathesis.hook
def before_call(context, case, kwargs):
    # In every phase, the documented examples too.
    for name in ("url", "crm_webhook_url"):
        if isinstance(case.body, dict) and str(case.body.get(name)).lower().startswith("https:"):
            case.body[name] = WORLD["receiver"]
