"""TLS of the connection (F16) against a real redis-server, and against servers that are not what they should be."""
import os
import socket
import ssl
import threading
import time
import warnings

import pytest

from certificates import Authority
import probe as probes
from redis_server import RedisServer

ADDRESSES = ["127.0.0.1", "localhost"]


class Keys:
    """One authority we trust, one we do not, and certificates of both."""

    def __init__(self, folder):
        self.ours = Authority(folder, "ours")
        self.theirs = Authority(folder, "theirs")
        self.server = self.ours.issue("server", ADDRESSES)
        self.client = self.ours.issue("client", [])
        self.stranger = self.theirs.issue("stranger", ADDRESSES)
        self.expired = self.ours.issue("expired", ADDRESSES, days=(-9, -1))
        self.early = self.ours.issue("early", ADDRESSES, days=(1, 9))
        self.elsewhere = self.ours.issue("elsewhere", ["127.0.0.2", "redis.example"])
        self.nameless = self.ours.issue("nameless", [])  # its common name is a host that we ask


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("tls"))


def Probe(url, command_ms=5000, **more):
    """One that tries again soon: what is refused is refused often here."""
    return probes.Probe(url, command_ms, **{"cap_ms": 200, **more})


def over_tls(server, keys, command_ms=5000, host="127.0.0.1", **more):
    return Probe(server.url(tcp="tls", host=host), command_ms, ca=keys.ours.pem, **more)


class Listener:
    """Accepts connections on 127.0.0.1 and hands each to `serve(connection)` in a thread of its own."""

    def __init__(self, serve):
        self.serve = serve
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._guard, args=(connection,), daemon=True).start()

    def _guard(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:  # the other side may leave whenever it likes
                pass

    def url(self, login=""):
        return f"rediss://{login}127.0.0.1:{self.port}"


class Relay(Listener):
    """Between client and server; `cut`: the server's side ends after so many bytes of the first connection, `step`: its bytes
    come in pieces of that size."""

    def __init__(self, port, cut=None, step=65536):
        self.target, self.cut, self.step, self.connections, self.passed = port, cut, step, 0, 0
        super().__init__(self.relay)

    def relay(self, client):
        self.connections += 1
        left = self.cut if self.connections == 1 else None
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            threading.Thread(target=self.copy, args=(client, server), daemon=True).start()
            while left != 0:
                data = server.recv(self.step if left is None else min(left, self.step))
                if not data:
                    break
                client.sendall(data)
                self.passed += len(data)
                left = None if left is None else left - len(data)
            client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# --- as it should be ---

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_commands_in_order_and_large_replies(keys, version):
    with RedisServer(tls=keys.server, config={"tls-protocols": f'"{version}"'}) as server, over_tls(server, keys) as probe:
        probe.wait("state ready")
        for _ in range(3):
            server.client().delete("n")
            probe.say("incr n 10000")
            assert probe.wait("incr") == "incr ok 10000"
        big = "x" * 900_000
        assert probe.ask(f"SET big {big}") == "ok OK"
        right = probe.ask("GET big") == "ok " + big
        assert right
        server.client().execute_command("SETRANGE", "much", 31_000_000, "end")
        reply = probe.ask("GET much", 30000)
        right = len(reply) == len("ok ") + 31_000_003 and reply.endswith("end")
        assert right
        assert not any("down" in line for line in probe.seen)


@pytest.mark.parametrize("host, name", [("127.0.0.1", None), ("localhost", None), ("127.0.0.1", "localhost"),
                                        ("localhost", "127.0.0.1")])
def test_the_certificate_is_for_the_host_or_the_given_name(keys, host, name):
    with RedisServer(tls=keys.server) as server, over_tls(server, keys, host=host, name=name) as probe:
        probe.wait("state ready")
        assert probe.ask("PING") == "ok PONG"


def test_bytes_one_by_one(keys):
    with RedisServer(tls=keys.server) as server, Relay(server.tls_port, step=1) as relay, \
            Probe(relay.url(), ca=keys.ours.pem) as probe:
        probe.wait("state ready")
        probe.say("incr n 200")
        assert probe.wait("incr") == "incr ok 200"


def test_a_server_that_leaves_and_comes_back(keys):
    with RedisServer(tls=keys.server, aof=True) as server, over_tls(server, keys) as probe:
        probe.wait("state ready")
        assert probe.ask("SET kept yes") == "ok OK"
        for end in (server.kill, server.stop):
            probe.say("held 60000 BLPOP nothing 0")
            while server.client().info("clients")["blocked_clients"] == 0:
                time.sleep(0.005)
            end()
            assert probe.wait("held") == "held connect nil"
            server.start()
            probe.wait("state ready")
            assert probe.ask("GET kept") == "ok yes"


def test_our_own_certificate(keys):
    ask = {"tls-auth-clients": "yes", "tls-ca-cert-file": keys.ours.pem}
    with RedisServer(tls=keys.server, config=ask) as server:
        with over_tls(server, keys, cert=keys.client.cert, key=keys.client.key) as probe:
            probe.wait("state ready")
        for more in ({}, {"cert": keys.stranger.cert, "key": keys.stranger.key},
                     {"cert": keys.expired.cert, "key": keys.expired.key}):
            with over_tls(server, keys, **more) as probe:
                line = probe.wait("state down")
                assert line.startswith("state down denied TLS: the server refuses us: "), line


# --- F16: what is refused, and how it is told ---

@pytest.mark.parametrize("what, said", [
    ("expired", "certificate is refused: certificate has expired"),
    ("early", "certificate is refused: certificate is not yet valid"),
    ("stranger", "certificate is refused: unable to get local issuer certificate"),
    ("elsewhere", "certificate is not for 127.0.0.1 "),
    ("nameless", "certificate is not for 127.0.0.1 "),
])
def test_F16_certificate_refused(keys, what, said):
    with RedisServer(tls=getattr(keys, what), password="s3cret") as server, over_tls(server, keys) as probe:
        for _ in range(2):
            line = probe.wait("state down")
            assert line.startswith("state down denied TLS: the server's ") and said in line, line
        assert server.client().info("stats")["total_commands_processed"] < 20  # ours, not the probe's
        assert not any("ready" in line for line in probe.seen)


def test_F16_wrong_host_by_name_and_by_setting(keys):
    with RedisServer(tls=keys.elsewhere) as server:
        with over_tls(server, keys, host="localhost") as probe:
            assert "is not for localhost " in probe.wait("state down denied")
        with over_tls(server, keys, name="redis.example") as probe:
            probe.wait("state ready")
        with over_tls(server, keys, name="edis.example") as probe:
            assert "is not for edis.example " in probe.wait("state down denied")
    with RedisServer(tls=keys.nameless) as server, over_tls(server, keys, host="localhost") as probe:
        assert "is not for localhost " in probe.wait("state down denied")


def test_F16_the_system_does_not_know_our_authority(keys):
    with RedisServer(tls=keys.server) as server, Probe(server.url(tcp="tls")) as probe:
        assert "unable to get local issuer certificate" in probe.wait("state down denied")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_F16_old_tls_only(keys, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*keys.server)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    with Listener(lambda c: context.wrap_socket(c, server_side=True).recv(1)) as old, \
            Probe(old.url(), ca=keys.ours.pem) as probe:
        assert "nothing newer than TLS 1.1" in probe.wait("state down denied")


def test_F16_never_in_the_clear(keys):
    """A plain Redis, and nobody at all, get a greeting of TLS and nothing else: not the password, not once."""
    seen = []

    def listen(connection):
        while data := connection.recv(65536):
            seen.append(data)
            connection.sendall(b"-ERR Protocol error\r\n")

    with Listener(listen) as plain, Probe(plain.url("me:s3cret@"), ca=keys.ours.pem) as probe:
        for _ in range(3):
            assert "is no TLS" in probe.wait("state down malformed")
    assert len(seen) >= 3 and all(data[:2] in (b"\x16\x03", b"\x15\x03") for data in seen)  # handshake or alert
    assert not any(b"s3cret" in data or b"AUTH" in data or b"PING" in data for data in seen)
    with RedisServer(port=True, password="s3cret") as server:
        with Probe(f"rediss://:s3cret@127.0.0.1:{server.port}", ca=keys.ours.pem, connect_ms=1000) as probe:
            assert probe.wait("state down").split()[2] in ("malformed", "connect", "timeout")
        stats = server.client().info("commandstats")
        assert "cmdstat_role" not in stats


def test_F16_garbage_instead_of_a_hello(keys):
    answers = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 100, b"\xff" * 20000, b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00",
               b"\x16\x03\x03\x40\x01" + b"\x02" * 20000, b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x10" + b"x" * 16,
               *(os.urandom(3000) for _ in range(20))]
    rest = list(answers)

    def listen(connection):
        connection.recv(65536)
        connection.sendall(rest.pop(0) if rest else answers[0])
        connection.recv(65536)

    with Listener(listen) as garbage, Probe(garbage.url(), ca=keys.ours.pem, connect_ms=300) as probe:
        while rest:
            word = probe.wait("state down").split()[2]
            assert word in ("malformed", "denied", "connect", "timeout"), probe.seen[-1]
        assert not any("ready" in line for line in probe.seen)


def test_F16_cut_in_the_handshake_at_every_byte(keys):
    """A first connection that is cut after N bytes of the server, a second one that is let through."""
    with RedisServer(tls=keys.server) as server:
        with Relay(server.tls_port) as relay, Probe(relay.url(), ca=keys.ours.pem) as probe:
            probe.wait("state ready")
            whole = relay.passed
        for cut in sorted({*range(0, 12), *range(12, whole + 40, 37), whole - 1, whole}):
            with Relay(server.tls_port, cut) as relay, Probe(relay.url(), ca=keys.ours.pem) as probe:
                probe.wait("state ready")
                if cut < whole - 200:
                    assert probe.seen[0].startswith("state down connect"), (cut, probe.seen)
                probe.ask("PING")
        print(f"{whole} bytes of the server until ready")


def test_F16_silence_ends_by_the_connect_deadline(keys):
    with Listener(lambda c: [c.recv(65536), time.sleep(30)]) as silent:
        began = time.monotonic()
        with Probe(silent.url(), ca=keys.ours.pem, connect_ms=400) as probe:
            assert "connecting took more than 400 ms" in probe.wait("state down timeout")
        assert 0.35 < time.monotonic() - began < 20


def test_F16_garbled_after_the_handshake(keys):
    """A byte changed on the way: the record is refused, the connection is made anew, and answers stay right."""
    class Garbling(Relay):
        def relay(self, client):
            self.connections += 1
            first = self.connections == 1
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                threading.Thread(target=self.copy, args=(client, server), daemon=True).start()
                passed = 0
                while data := server.recv(65536):
                    passed += len(data)
                    if first and passed > 20_000:
                        data = data[:-1] + bytes([data[-1] ^ 1])
                    client.sendall(data)

    with RedisServer(tls=keys.server) as server, Garbling(server.tls_port) as relay:
        server.client().set("big", "x" * 50_000)
        with Probe(relay.url(), ca=keys.ours.pem) as probe:
            probe.wait("state ready")
            assert probe.ask("GET big") == "connect nil"
            assert any(line.startswith("state down malformed TLS: ") for line in probe.seen)
            probe.wait("state ready")
            right = probe.ask("GET big") == "ok " + "x" * 50_000
            assert right


# --- files ---

def test_files_are_read_anew_for_each_connection(tmp_path):
    ours, later = Authority(tmp_path, "ours"), Authority(tmp_path, "later")
    server_keys = ours.issue("server", ADDRESSES)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes((tmp_path / "ours.pem").read_bytes())
    client = ours.issue("client", [])
    ask = {"tls-auth-clients": "yes", "tls-ca-cert-file": ours.pem}
    with RedisServer(tls=server_keys, config=ask) as server, \
            Probe(server.url(tcp="tls"), ca=trusted, cert=client.cert, key=client.key) as probe:
        probe.wait("state ready")
        later.issue("server", ADDRESSES)  # the same files, another authority
        server.config["tls-ca-cert-file"] = later.pem
        server.restart()
        probe.wait("state down denied TLS: the server's certificate is refused")
        trusted.write_bytes((tmp_path / "later.pem").read_bytes())
        probe.wait("state down denied TLS: the server refuses us")
        later.issue("client", [])
        probe.wait("state ready")


def test_files_that_cannot_be_used(keys, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk\n")
    junk.chmod(0o600)
    opened = tmp_path / "open.key"
    opened.write_bytes(open(keys.client.key, "rb").read())
    opened.chmod(0o644)
    cert = keys.client.cert
    with RedisServer(tls=keys.server) as server:
        for more, said in [
                ({"ca": tmp_path / "missing.pem"}, "invalid " + str(tmp_path / "missing.pem")), ({"ca": junk}, "invalid " + str(junk)),
                ({"cert": junk, "key": keys.client.key}, "invalid " + str(junk)),
                ({"cert": cert, "key": junk}, "holds no private key in PEM"), ({"cert": cert}, "needs its private key"),
                ({"cert": cert, "key": keys.server.key}, "is not the key of redis.tls_cert_file"),
                ({"cert": cert, "key": tmp_path / "missing.key"}, "cannot be read"),
                ({"cert": cert, "key": opened}, "denied " + str(opened) + ": a secret must be a plain file")]:
            with Probe(server.url(tcp="tls"), **{"ca": keys.ours.pem, **more}) as probe:
                assert said in probe.wait("state down"), said
        late = tmp_path / "late.pem"
        with Probe(server.url(tcp="tls"), ca=late) as probe:
            probe.wait("state down invalid")
            late.write_bytes(open(keys.ours.pem, "rb").read())
            probe.wait("state ready")


def test_a_password_is_read_anew_for_each_connection(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("first")
    with RedisServer(password="first") as server, Probe(f"unix://{server.path}", password_file=secret) as probe:
        probe.wait("state ready")
        server.client().config_set("requirepass", "second")
        server.password = "second"
        server.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert "WRONGPASS" in probe.wait("state down denied")
        secret.write_text("second")
        probe.wait("state ready")
        secret.unlink()
        server.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert "no password" in probe.wait("state down not_found")
        secret.write_text("second")
        probe.wait("state ready")
