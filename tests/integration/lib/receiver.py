"""A webhook's target: a real HTTPS server with a certificate of its own authority, and a check of Standard Webhooks 1.0 that
shares no code with the sender (https://www.standardwebhooks.com, symmetric signatures).

    with Receiver(folder) as hook:
        hook.answer = lambda message: (503, {"Retry-After": "1"})
        hook.messages                  # what came, in order: Message
"""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import ssl
import threading
import time

from certificates import Authority

Message = collections.namedtuple("Message", "path headers body event at")
TOLERANCE_S = 300


def new_secret(size=32):
    return "whsec_" + base64.b64encode(os.urandom(size)).decode()


def verify(secret, headers, body):
    """Raises AssertionError unless one of the signatures is right and the time is now."""
    ident, stamp, signatures = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    assert abs(time.time() - int(stamp)) < TOLERANCE_S, f"timestamp {stamp}"
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_"):], validate=True)
    wanted = hmac.new(key, b".".join([ident.encode(), stamp.encode(), body]), hashlib.sha256).digest()
    given = [word.split(",", 1) for word in signatures.split(" ")]
    assert all(len(pair) == 2 and pair[0] == "v1" for pair in given), signatures
    assert any(hmac.compare_digest(wanted, base64.b64decode(text, validate=True)) for _, text in given), "no signature is right"
    return len(given)


class Receiver:
    """`answer(message)` gives the status, or (status, headers); None = the connection is cut. What was answered with 2xx is in
    `taken`."""

    def __init__(self, folder, names=("127.0.0.1",), address="127.0.0.1", port=0):
        self.authority = Authority(folder, "hooks")
        pair = self.authority.issue("hook", list(names))
        self.messages, self.taken = [], []
        self.answer = lambda message: 204
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    event = json.loads(body)
                except ValueError:
                    event = None
                message = Message(self.path, {k.lower(): v for k, v in self.headers.items()}, body, event, time.monotonic())
                with receiver.lock:
                    receiver.messages.append(message)
                told = receiver.answer(message)
                if told is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers = told if isinstance(told, tuple) else (told, {})
                if 200 <= status < 300:
                    with receiver.lock:
                        receiver.taken.append(message)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, client_address):  # the handshake belongs to the connection's own thread
                try:
                    request = context.wrap_socket(request, server_side=True)
                except OSError:
                    return
                super().finish_request(request, client_address)

            def handle_error(self, *_):
                pass

        self.server = Server((address, port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
