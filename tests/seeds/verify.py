# Asks the Standard Webhooks library of PyPI: a line of JSON {secret, headers, body} in, "accepted" or its reason out.
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    asked = json.loads(line)
    try:
        Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
        print("accepted")
    except WebhookVerificationError as error:
        print(error)
