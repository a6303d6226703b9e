"""Every request the adapter sends, byte for byte, judged by botocore's signer."""

import re
import socket
import threading

import pytest

import sigv4_judge
from probe import KEY, SECRET, environment, run

TOKEN = "FwoGZXIvYXdzEJr//////////wEaDExample+/=="


class Captor:
    """Takes requests one after the other, keeps their bytes, answers 503."""

    def __init__(self):
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                while self.take(connection):
                    pass

    def take(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        connection.sendall(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n")
        return True

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def captor():
    it = Captor()
    yield it
    it.close()


class Parsed:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        named = {name.lower(): value for name, value in self.headers}
        self.authorization = named.get("authorization", "")
        self.names = named


def signature_is_right(raw, secret=SECRET):
    """What SES does with a request: sign it again and compare."""
    try:
        it = Parsed(raw)
    except ValueError:
        return False
    return sigv4_judge.signature_is_right(it.method, it.target, it.headers, it.body, KEY, secret)


OPS = [
    "CreateEmailIdentity:a.example",
    "GetEmailIdentity:a.example",
    "GetEmailIdentity:xn--bcher-kva.example",
    "GetEmailIdentity:odd@name/with&all=of %41+~.example",
    "PutEmailIdentityMailFromAttributes:a.example,m.a.example,reject",
    "PutEmailIdentityMailFromAttributes:a.example",
    "DeleteEmailIdentity:a.example",
    "VerifyDomainIdentity:a.example",
    "VerifyDomainDkim:a.example",
    "GetIdentityVerificationAttributes:" + ",".join(f"d{i}.example" for i in range(100)),
    "GetIdentityDkimAttributes:a.example,b.example",
    "GetIdentityMailFromDomainAttributes:a@b.example,c+d=e&f.example",
]


@pytest.mark.parametrize("path", ["", "/prefix", "/a%20b/c@d/"])
@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_request_is_signed_right(captor, path, token):
    ran = run(captor.url + path, *OPS, env=environment(token=token))
    assert [call["err"] for call in ran.calls] == ["unavailable"] * len(OPS)
    assert len(captor.requests) == len(OPS)
    for raw in captor.requests:
        assert signature_is_right(raw), raw
        assert not signature_is_right(raw, secret="other")
        assert Parsed(raw).names.get("x-amz-security-token") == token
        assert token is None or "x-amz-security-token" in Parsed(raw).authorization


def test_nothing_secret_is_logged(captor):
    ran = run(captor.url, *OPS, env=environment(secret="marker-secret", token="marker-token"))
    assert "ses_request" in ran.log
    for secret in ("marker-secret", "marker-token", "Signature", "AWS4-HMAC"):
        assert secret not in ran.log


def test_one_altered_byte_is_noticed(captor):
    run(captor.url, "GetIdentityDkimAttributes:a.example", "GetEmailIdentity:a.example",
        "PutEmailIdentityMailFromAttributes:a.example,m.a.example")
    unsigned = re.compile(rb"(?im)^(user-agent|accept|content-length): .*\r\n")
    judged = 0
    for raw in captor.requests:
        assert signature_is_right(raw)
        free = [m.span() for m in unsigned.finditer(raw)]
        version = (raw.index(b" HTTP/1.1"), raw.index(b"\r\n"))
        for at in range(len(raw)):
            if any(begin <= at < end for begin, end in [*free, version]):
                continue
            if raw[at:at + 1] in b"\r\n: ":  # the shape of the head, not its content
                continue
            altered = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
            assert not signature_is_right(altered), altered
            judged += 1
    assert judged > 800


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-5"])
def test_the_scope_is_of_the_region(captor, region):
    run(captor.url, "GetEmailIdentity:a.example", region=region)
    assert f"/{region}/ses/aws4_request" in Parsed(captor.requests[0]).authorization
    assert signature_is_right(captor.requests[0])


def proxied(port):
    proxy = f"http://127.0.0.1:{port}"
    return environment(http_proxy=proxy, https_proxy=proxy, ALL_PROXY=proxy)


def test_loopback_is_asked_without_a_proxy(captor):
    call = run(captor.url, "GetEmailIdentity:a.example", env=proxied(1)).calls[0]
    assert call["native"] == 503
    assert captor.requests[0].startswith(b"GET /v2/")


def test_a_proxy_sees_no_signature(captor):
    call = run("https://ses.sesverify.example", "GetEmailIdentity:a.example",
               env=proxied(captor.port)).calls[0]
    assert call["err"] == "connect", call
    (raw,) = captor.requests
    assert raw.startswith(b"CONNECT ses.sesverify.example:443 HTTP/1.1\r\n")
    assert b"uthorization" not in raw and b"X-Amz" not in raw
