"""Stands between the worker and the sandbox and may rewrite what SES answers: for answers that the sandbox never gives.

    with SesProxy(sandbox.ses_url) as proxy:
        proxy.rewrite = lambda body: body.replace(b"Success", b"Splendid")
        ... AWS_ENDPOINT_URL_SES = proxy.url

`proxy.raw` goes further: it makes the whole reply from the true body, head and all, and the connection ends behind it.
"""
import http.server
import threading
import urllib.error
import urllib.request


class SesProxy:
    def __init__(self, target):
        self.target = target
        self.rewrite = self.raw = None
        self.rewritten = 0

    def __enter__(self):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # The signature covers Host: it goes through as it came.
                request = urllib.request.Request(proxy.target + self.path, body or None, dict(self.headers), method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=20) as reply:
                        status, headers, answer = reply.status, reply.headers, reply.read()
                except urllib.error.HTTPError as error:
                    status, headers, answer = error.code, error.headers, error.read()
                if proxy.raw is not None:
                    proxy.rewritten += 1
                    self.close_connection = True
                    try:
                        self.wfile.write(proxy.raw(answer))
                    except OSError:  # it had seen enough
                        pass
                    return
                if proxy.rewrite is not None:
                    fresh = proxy.rewrite(answer)
                    proxy.rewritten += fresh != answer
                    answer = fresh
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_DELETE = forward

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"
