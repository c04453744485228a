"""segment-analytics-python and rudder-sdk-python, which are one code: the two lines that change are the key and the host."""
import os
import sys
from datetime import datetime, timedelta

if sys.argv[1] == "segment":
    from segment.analytics import Client
else:
    from rudderstack.analytics.client import Client

began = datetime.fromisoformat(os.environ["BEGAN"].replace("Z", "+00:00"))
user_id, run = os.environ["USER_ID"], os.environ["RUN"]


def at(n):
    return {"user_id": user_id, "message_id": f"{run}-{n}", "timestamp": began + timedelta(milliseconds=n)}


failures = []
client = Client(
    os.environ["KEY"], host=os.environ["URL"], upload_size=250, upload_interval=0.5, gzip=True, max_retries=8,
    on_error=lambda error, items: failures.append(error),
)
client.identify(traits={"email": os.environ["EMAIL"], "name": "Ada Lovelace"}, **at(0))
client.track(event="Tracked", properties={"n": 1}, **at(1))
client.page(name="Home", properties={"url": "https://shop.example/"}, **at(2))
client.group(group_id="acme", traits={"plan": "pro"}, **at(3))
for n in range(250):
    client.track(event="Batched", properties={"n": n}, **at(10 + n))
client.flush()
client.shutdown()
sys.exit("\n".join(map(str, failures)) or 0)
