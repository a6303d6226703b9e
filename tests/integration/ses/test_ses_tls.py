"""TLS as it must be: a certificate that does not prove the name of the server ends the call."""

import http.server
import socket
import ssl
import subprocess
import threading

import pytest

import sigv4_judge
from probe import KEY, SECRET, environment, one

BODY = b'{"VerificationStatus":"SUCCESS"}'
GET = "GetEmailIdentity:a.example"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        right = sigv4_judge.signature_is_right("GET", self.path, self.headers.items(), b"", KEY, SECRET)
        self.send_response(200 if right else 403)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format, *args):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):  # refused handshakes are the point here
        pass


class Tunnel:
    """A proxy that only knows CONNECT, and leads every name to one server of the test."""

    def __init__(self, port):
        self.port, self.asked = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self):
        client, _ = self.listener.accept()
        self.asked.append(client.recv(65536))
        server = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(b"HTTP/1.1 200 OK\r\nDate: proxy\r\n\r\n")
        threading.Thread(target=self.copy, args=(client, server), daemon=True).start()
        self.copy(server, client)

    def copy(self, source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.close()


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def make_ca(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")


def make_certificate(folder, ca, name, san, days="2"):
    """A key and a certificate of `ca` for `san`, in one file."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"subjectAltName={san}\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{ca}.pem", "-CAkey",
            folder / f"{ca}.key", "-CAcreateserial", "-days", days, "-extfile",
            folder / f"{name}.ext", "-out", folder / f"{name}.pem")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    it = tmp_path_factory.mktemp("tls")
    make_ca(it, "ours")
    make_ca(it, "theirs")
    make_certificate(it, "ours", "good", "IP:127.0.0.1")
    make_certificate(it, "theirs", "stranger", "IP:127.0.0.1")
    make_certificate(it, "ours", "other", "DNS:other.example,IP:127.0.0.2")
    make_certificate(it, "ours", "named", "DNS:ses.sesverify.example")
    make_certificate(it, "ours", "expired", "IP:127.0.0.1", days="-1")
    return it


@pytest.fixture
def serve(folder):
    servers = []

    def begin(name, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        if version is not None:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
        server = Quiet(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_address[1]}"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_proven_server_is_asked(serve, folder):
    answer = one(serve("good"), GET, ca_file=folder / "ours.pem")
    assert (answer["err"], answer["results"][0]["identity"]) == ("ok", "success"), answer


@pytest.mark.parametrize("name", ["stranger", "other", "expired"])
def test_an_unproven_server_is_not(serve, folder, name):
    answer = one(serve(name), GET, ca_file=folder / "ours.pem")
    assert answer["err"] == "denied", answer
    assert "certificate" in answer["text"].lower() or "subject name" in answer["text"].lower()


def test_the_system_does_not_know_our_authority(serve):
    assert one(serve("good"), GET)["err"] == "denied"


def test_an_authority_that_is_not_there(serve, tmp_path):
    assert one(serve("good"), GET, ca_file=tmp_path / "missing.pem")["err"] == "denied"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(serve, folder, version):
    answer = one(serve("good", version), GET, ca_file=folder / "ours.pem")
    assert answer["err"] == "connect", answer


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_present_versions_are_taken(serve, folder, version):
    assert one(serve("good", version), GET, ca_file=folder / "ours.pem")["err"] == "ok"


@pytest.mark.parametrize("name,err", [("named", "ok"), ("good", "denied")])
def test_the_name_is_proven_through_a_proxy_too(serve, folder, name, err):
    tunnel = Tunnel(int(serve(name).rsplit(":", 1)[1]))
    answer = one("https://ses.sesverify.example", GET, ca_file=folder / "ours.pem",
                 env=environment(https_proxy=tunnel.url))
    assert answer["err"] == err, answer
    assert tunnel.asked[0].startswith(b"CONNECT ses.sesverify.example:443 ")
