"""Each fault of the fault proxy, on a peer that says everything back."""
import os
import pathlib
import socket
import ssl
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from certificates import Authority  # noqa: E402
from fault_proxy import Commands, FaultProxy, RedisProxy, command_bytes, error_instead  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from sandbox import wait_for  # noqa: E402

DEADLINE_S = 60  # how long anything may take on a busy machine; nothing waits for it when all is well


class Echo:
    """Says everything back."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.socket.getsockname()
        self.heard = bytearray()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(peer,), daemon=True).start()

    def _echo(self, peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    self.heard += data
                    peer.sendall(data)
            except OSError:
                pass


class Caller:
    def __init__(self, proxy):
        self.socket = socket.create_connection(proxy.address, DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, data):
        self.socket.sendall(data)

    def hear(self, count):
        """So many bytes, or fewer when the connection ended."""
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data

    def ask(self, data):
        self.say(data)
        return self.hear(len(data))

    def hears_nothing(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(DEADLINE_S)


@pytest.fixture(name="echo")
def make_echo():
    with Echo() as echo:
        yield echo


@pytest.fixture(name="proxy")
def make_proxy(echo):
    with FaultProxy(echo.address) as proxy:
        yield proxy


@pytest.fixture(name="caller")
def make_caller(proxy):
    with Caller(proxy) as caller:
        yield caller


def test_nothing_is_changed_while_calm(proxy, caller):
    data = os.urandom(3_000_000)
    threading.Thread(target=caller.say, args=(data,), daemon=True).start()
    same = caller.hear(len(data)) == data
    assert same
    assert proxy.up.carried == proxy.down.carried == len(data)


def test_an_end_is_handed_on(proxy, caller):
    assert caller.ask(b"last") == b"last"
    caller.socket.shutdown(socket.SHUT_WR)
    assert caller.hear(1) == b""
    wait_for(lambda: proxy.open_links() == 0, "the connection to be forgotten", DEADLINE_S)


@pytest.mark.parametrize("way", ["up", "down"])
def test_delay(proxy, caller, way):
    getattr(proxy, way).delay_s = 0.5
    begin = time.monotonic()
    caller.say(b"a")
    assert caller.hears_nothing(0.25)
    caller.say(b"b")
    assert caller.hear(2) == b"ab"
    assert time.monotonic() - begin >= 0.5 + 0.25 - 0.01  # the second one's delay began with itself


def test_delayed_bytes_come_alongside(proxy, caller):
    """Ten of them take one delay, not ten."""
    proxy.down.delay_s = 2
    begin = time.monotonic()
    for _ in range(10):
        caller.say(b"x")
        time.sleep(0.01)  # so that they are ten pieces
    assert caller.hear(10) == b"x" * 10
    assert 2 <= time.monotonic() - begin < 18


@pytest.mark.parametrize("way", ["up", "down"])
def test_rate(proxy, caller, way):
    getattr(proxy, way).rate = 20_000
    begin = time.monotonic()
    assert caller.ask(b"x" * 20_000) == b"x" * 20_000
    assert time.monotonic() - begin >= 0.9


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_cut_on_the_way_down(proxy, caller, after, reset):
    done = proxy.down.cut(after, reset)
    caller.say(b"0123456789")
    heard = b""
    try:
        while more := caller.socket.recv(1):
            heard += more
        ended = "end"
    except ConnectionResetError:
        ended = "reset"
    assert done.wait(DEADLINE_S)
    assert heard == b"0123456789"[:after]
    assert ended == ("reset" if reset else "end")
    with Caller(proxy) as other:  # only one is cut
        assert other.ask(b"again") == b"again"


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_cut_on_the_way_up(echo, proxy, caller, after):
    done = proxy.up.cut(after)
    caller.say(b"0123456789")
    assert done.wait(DEADLINE_S)
    wait_for(lambda: proxy.open_links() == 0, "the connection to end", DEADLINE_S)
    wait_for(lambda: len(echo.heard) >= after, "the bytes before the cut", DEADLINE_S)
    assert bytes(echo.heard) == b"0123456789"[:after]


def test_a_cut_counts_over_connections(proxy, caller):
    done = proxy.down.cut(8)
    assert caller.ask(b"1234") == b"1234"
    with Caller(proxy) as other:
        assert other.ask(b"5678") == b"5678"
        assert not done.is_set()
        other.say(b"9")
        assert other.hear(1) == b""
    assert done.wait(DEADLINE_S)
    assert caller.ask(b"still") == b"still"


def test_all_are_reset(proxy, caller):
    with Caller(proxy) as other:
        assert caller.ask(b"a") + other.ask(b"b") == b"ab"
        proxy.end_all(reset=True)
        for one in (caller, other):
            with pytest.raises(ConnectionResetError):
                one.hear(1)


def test_a_black_hole(proxy, caller):
    assert caller.ask(b"before") == b"before"
    proxy.silence()
    caller.say(b"kept")
    assert caller.hears_nothing(0.3)
    with Caller(proxy) as other:  # accepted all the same
        other.say(b"too")
        assert other.hears_nothing(0.3)
        proxy.silence(False)
        assert caller.hear(4) == b"kept"
        assert other.hear(3) == b"too"


def test_one_way_is_silent(echo, proxy, caller):
    proxy.down.silent = True
    caller.say(b"heard")
    wait_for(lambda: bytes(echo.heard) == b"heard", "the way up", DEADLINE_S)
    assert caller.hears_nothing(0.2)
    proxy.calm()
    assert caller.hear(5) == b"heard"


def test_garble(proxy, caller):
    data = b"\0" * 10_000
    proxy.up.garble = 0.1
    heard = caller.ask(data)
    assert 500 < sum(byte != 0 for byte in heard) < 2000
    proxy.calm()
    assert caller.ask(b"clear") == b"clear"


def test_single_bytes(proxy, caller):
    sizes = []
    proxy.down.rewrite = lambda data: sizes.append(len(data)) or data
    proxy.up.piece = 1

    def asked():
        sizes.clear()
        assert caller.ask(b"split into bytes" * 20) == b"split into bytes" * 20
        return len(sizes) > 1
    wait_for(asked, "the peer to see more than one piece", DEADLINE_S)


def test_everything_twice(proxy, caller):
    proxy.down.copies = 2
    caller.say(b"ab")
    assert caller.hear(4) == b"abab"


def test_rewritten(proxy, caller):
    proxy.down.rewrite = lambda data: data.replace(b"OK", b"NO")
    assert caller.ask(b"+OK\r\n") == b"+NO\r\n"


def test_nobody_behind_it():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with FaultProxy(address) as proxy, Caller(proxy) as caller:
        assert caller.hear(1) == b""
        assert proxy.accepted == 1


def test_commands_are_found_however_they_are_cut():
    stream = command_bytes("SET", "k", b"\r\n$3\r\n") + command_bytes("PING") + command_bytes("ECHO", "")
    wanted = [[b"SET", b"k", b"\r\n$3\r\n"], [b"PING"], [b"ECHO", b""]]
    for size in range(1, len(stream) + 1):
        commands, found = Commands(), []
        for at in range(0, len(stream), size):
            found += commands.feed(stream[at:at + size])
        assert found == wanted


def test_commands_of_redis_are_counted_and_replaced():
    with RedisServer() as server, RedisProxy(server) as proxy, Caller(proxy) as caller:
        caller.say(command_bytes("SET", "a", "1") + command_bytes("INCR", "a"))
        assert caller.hear(9) == b"+OK\r\n:2\r\n"
        proxy.replace = lambda words: error_instead("TRYAGAIN later") if words[0] == b"INCR" else None
        caller.say(command_bytes("INCR", "a") + command_bytes("GET", "a"))
        answer = b"-TRYAGAIN later\r\n$1\r\n2\r\n"
        assert caller.hear(len(answer)) == answer
        assert (proxy.commands["INCR"], proxy.commands["GET"], proxy.replaced) == (2, 1, 1)


def test_over_tls_the_clear_bytes_are_seen_and_spoiled(echo, tmp_path):
    ours = Authority(tmp_path, "ours")
    with FaultProxy(echo.address, certificate=ours.issue("server", ["127.0.0.1"])) as proxy, Caller(proxy) as caller:
        caller.socket = ssl.create_default_context(cafile=ours.pem).wrap_socket(caller.socket, server_hostname="127.0.0.1")
        assert caller.ask(b"x" * 200_000) == b"x" * 200_000 and echo.heard == b"x" * 200_000
        proxy.down.rewrite = lambda data: data.replace(b"OK", b"NO")
        assert caller.ask(b"+OK\r\n") == b"+NO\r\n"
        done = proxy.down.cut(2)
        caller.say(b"+OK\r\n")
        assert caller.hear(5) == b"+N" and done.wait(DEADLINE_S)
