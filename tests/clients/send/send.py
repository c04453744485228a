"""The clients for Python, each as its users call it: the two lines that change are the key and the host. Sends the calls of CALLS with the client that is named."""
import json
import os
import sys
from datetime import datetime, timedelta, timezone

vendor, failures = sys.argv[1], []
began = datetime.fromisoformat(os.environ["BEGAN"].replace("Z", "+00:00"))
# 10 ** 400 is a number of 401 digits in JSON.
NUMBERS = {"@1e400": 10**400, "@NaN": float("nan"), "@-Infinity": float("-inf")}


def numbers(pairs):
    return {name: NUMBERS.get(value, value) if isinstance(value, str) else value for name, value in pairs}


with open(os.environ["CALLS"], encoding="utf-8") as file:
    calls = json.load(file, object_pairs_hook=numbers)


def at(call):
    """A time without a zone is UTC to all of them, unless it is now."""
    if "at" in call:
        return datetime.fromisoformat(call["at"])
    return began + timedelta(milliseconds=call["n"])


def on_error(error, items):
    failures.append(error)


def uuid(call):
    return f"{os.environ['RUN'][:23]}-{call['n']:012x}"


if vendor == "posthog":
    from posthog import Posthog

    client = Posthog(
        os.environ["KEY"], host=os.environ["URL"], flush_at=len(calls), flush_interval=0.5, gzip=True, max_retries=8,
        on_error=on_error,
    )

    def event(call, name):
        properties = call["properties"] or {}
        if "anonymous" in call:
            properties = {**properties, "$process_person_profile": False}
        client.capture(
            name, distinct_id=call.get("user", call.get("anonymous")), properties=properties, groups=call.get("groups"),
            timestamp=call.get("at", at(call)), uuid=uuid(call),
        )

    def identify(call):
        client.set(distinct_id=call["user"], properties=call["traits"], timestamp=at(call), uuid=uuid(call))
        client.set_once(distinct_id=call["user"], properties=call["once"], timestamp=at(call))

    how = {
        "identify": identify,
        "track": lambda call: event(call, call["event"]),
        "page": lambda call: event(call, "$pageview"),
        "group": lambda call: client.group_identify("company", call["group"], call["traits"], uuid=uuid(call)),
        "alias": lambda call: client.alias(call["previous"], call["user"], timestamp=at(call), uuid=uuid(call)),
    }
else:
    if vendor == "segment":
        from segment.analytics import Client
    elif vendor == "rudderstack":
        from rudderstack.analytics.client import Client
    else:
        from customerio.analytics import Client

    client = Client(
        os.environ["KEY"], host=os.environ["URL"], upload_size=len(calls), upload_interval=0.5, gzip=True,
        max_retries=8, on_error=on_error,
    )

    def known(call):
        return {"user_id": call["user"], "message_id": uuid(call), "timestamp": at(call)}

    def who(call):
        if "user" in call:
            return known(call)
        return {"anonymous_id": call["anonymous"], "message_id": uuid(call), "timestamp": at(call)}

    how = {
        "identify": lambda call: client.identify(traits=call["traits"], **who(call)),
        "track": lambda call: client.track(event=call["event"], properties=call["properties"], **who(call)),
        "page": lambda call: client.page(name=call["name"], properties=call["properties"], **who(call)),
        "group": lambda call: client.group(group_id=call["group"], traits=call["traits"], **who(call)),
        "alias": lambda call: client.alias(previous_id=call["previous"], **who(call)),
    }

for call in calls:
    how[call["kind"]](call)
client.flush()
client.shutdown()
sys.exit("\n".join(map(str, failures)) or 0)
