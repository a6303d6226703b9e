#!/usr/bin/env python3
"""Receives sesverify's webhooks and checks their signatures (Standard Webhooks 1.0). Needs nothing but Python.

    WEBHOOK_SECRETS="whsec_... whsec_..." ./webhook.py [--listen 127.0.0.1:8080]

Several secrets, separated by blanks, while one replaces another. Put a server that speaks TLS in front."""
import argparse
import base64
import collections
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 64 * 1024
TOLERANCE_S = 300  # older, or from further ahead: somebody replays what he overheard
REMEMBERED_MAX = 10000
SECRETS = [base64.b64decode(word.removeprefix("whsec_"), validate=True) for word in os.environ.get("WEBHOOK_SECRETS", "").split()]


def why_not(headers, body, now=None):
    """None when the message is genuine; otherwise what is wrong with it."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not stamp.isascii() or not stamp.isdigit():
        return "no id, or no timestamp"
    if abs((time.time() if now is None else now) - int(stamp)) > TOLERANCE_S:
        return "too old, or from the future"
    signed = f"{message_id}.{stamp}.".encode() + body
    ours = [base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()) for secret in SECRETS]
    theirs = [word.removeprefix("v1,").encode() for word in headers.get("webhook-signature", "").split() if word.startswith("v1,")]
    matches = [hmac.compare_digest(one, other) for one in ours for other in theirs]  # all of them: time tells nothing
    return None if any(matches) else "no signature is ours"


class Receiver(BaseHTTPRequestHandler):
    # (source, id): the highest epoch it was seen in. Keep it in your database, in the transaction that applies the event.
    seen = collections.OrderedDict()

    def do_POST(self):  # noqa: N802
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return self.end(413)
        body = self.rfile.read(int(length))
        problem = why_not(self.headers, body)
        if problem:
            print(json.dumps({"what": "refused", "why": problem}), flush=True)
            return self.end(401)
        event = json.loads(body)
        key, epoch = (event["source"], event["id"]), event.get("epoch", "")
        repeated = key in self.seen and epoch <= self.seen[key]
        if not repeated:
            self.seen[key] = epoch  # after Redis lost writes a known id comes in a higher epoch, and may say something else
        if len(self.seen) > REMEMBERED_MAX:
            self.seen.popitem(last=False)
        print(json.dumps({"what": "repeated" if repeated else "received", "source": key[0], "id": key[1], "type": event["type"]}),
              flush=True)
        self.end(204)

    def end(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8080")
    host, _, port = parser.parse_args().listen.rpartition(":")
    if not SECRETS:
        parser.error("WEBHOOK_SECRETS is empty")
    server = ThreadingHTTPServer((host, int(port)), Receiver)
    print(json.dumps({"what": "listening", "port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
