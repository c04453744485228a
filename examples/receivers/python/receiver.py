"""A receiver of TrackMate's deliveries in plain Python (3.9 or newer), free to copy.

It verifies both signatures over the raw body.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("PORT", "3000"))
WEBHOOK_SECRET = os.environ.get("WEBHOOK_SECRET", "")
BODY_BYTES_MAX = 1024 * 1024
TOLERANCE_S = 5 * 60


def is_equal(given, expected):
    """Compares in constant time; different lengths are different."""
    given, expected = given.encode(), expected.encode()
    return len(given) == len(expected) and hmac.compare_digest(given, expected)


def verify_webhook_signature(payload, signature, secret):
    """X-Webhook-Signature: the hex HMAC-SHA256 of the body with the whole secret."""
    expected_signature = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
    return is_equal(signature, expected_signature)


def verify_standard_webhook(payload, headers, secret):
    """Standard Webhooks: covers id and time too, so that nobody can send an old delivery again.

    One valid signature of several is enough.
    """
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else secret.encode()
    signed = f"{webhook_id}.{timestamp}.".encode() + payload
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(is_equal(signature, f"v1,{expected}") for signature in signatures.split(" "))


def is_from_trackmate(payload, headers):
    # For some hours after the secret is rotated, deliveries have the old secret's signature too.
    signatures = [headers.get(name, "") for name in ("X-Webhook-Signature", "X-Webhook-Signature-Previous")]
    return any(
        verify_webhook_signature(payload, signature, WEBHOOK_SECRET) for signature in signatures
    ) and verify_standard_webhook(payload, headers, WEBHOOK_SECRET)


class Receiver(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            return self.answer(411, {"error": "Content-Length is missing"})
        payload = self.rfile.read(min(int(length), BODY_BYTES_MAX + 1))
        if len(payload) > BODY_BYTES_MAX:
            return self.answer(413, {"error": "Body too large"})
        if not is_from_trackmate(payload, self.headers):
            return self.answer(401, {"error": "Invalid signature"})
        try:
            delivery = json.loads(payload)
        except ValueError:
            return self.answer(400, {"error": "Invalid JSON"})
        # One write with its line end: other deliveries are received at the same time.
        webhook_id = self.headers["webhook-id"]
        print(f"Received {delivery['event']} at {delivery['timestamp']} ({webhook_id})\n", end="", flush=True)
        # Your code: store the webhook-id and skip one that you have seen; do slow work after the answer.
        return self.answer(200, {"received": True})

    def do_GET(self):
        self.answer(405, {"error": "Deliveries come by POST"})

    def answer(self, status, body):
        text = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format, *args):
        """Only what was received is logged."""


if __name__ == "__main__":
    if not WEBHOOK_SECRET:
        sys.exit("Set WEBHOOK_SECRET to the webhook's secret (whsec_…).")
    print(f"Webhook receiver running on port {PORT}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
