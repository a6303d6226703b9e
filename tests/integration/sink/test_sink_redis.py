"""The stream of another Redis, with a real server."""
import json
import socket

import pytest

from certificates import Authority
from probe import event, run, start
from redis_server import RedisServer

STREAMS = "streams on >word ~ev* resetchannels -@all +xadd +role +ping +select +hello +client|setname +auth"


@pytest.fixture(scope="module")
def server():
    with RedisServer(port=True, users=[STREAMS, "reader on >word ~* resetchannels -@all +ping +role"
                                                " +client|setname +select +xrange"]) as it:
        yield it


@pytest.fixture(autouse=True)
def empty(server):
    server.client().flushall()


def send(server, events, *options, url=None, stream="events"):
    return run("redis", events, "--url", url or server.url(), "--stream", stream, *options)[0]


def bodies(server, stream="events"):
    return [fields[b"event"].decode() for _, fields in server.client(decode_responses=False).xrange(stream)]


def test_events_are_entries_with_one_field(server):
    sent = [event(n, note="Grüße\0"[:-1]) for n in range(1, 51)]
    answers = send(server, sent)
    assert [a["outcome"] for a in answers] == ["delivered"] * 50
    assert bodies(server) == [e["body"] for e in sent]  # in the order they were given


def test_the_stream_is_kept_short(server):
    for _ in range(4):
        send(server, [event(n) for n in range(1, 251)], "--maxlen", 300)
    assert 300 <= server.client().xlen("events") <= 400  # "~": whole nodes of 100


def test_least_rights_are_enough(server):
    url = f"redis://streams:word@127.0.0.1:{server.port}"
    assert send(server, [event()], url=url)[0]["outcome"] == "delivered"


def test_whatever_is_wrong_is_later(server):
    server.client().set("events", "a string")
    it = send(server, [event()])[0]
    assert (it["outcome"], it["err"]) == ("later", "refused") and "WRONGTYPE" in it["text"]
    it = send(server, [event()], url=f"redis://reader:word@127.0.0.1:{server.port}")[0]
    assert (it["outcome"], it["err"]) == ("later", "denied") and "NOPERM" in it["text"]
    it = send(server, [event()], url=f"redis://reader:wrong@127.0.0.1:{server.port}")[0]
    assert it["outcome"] == "later"
    server.client().config_set("maxmemory", 1)
    it = send(server, [event()], stream="other")[0]
    server.client().config_set("maxmemory", 0)
    assert (it["outcome"], it["err"]) == ("later", "full")
    with socket.socket() as listener:  # nobody listens there
        listener.bind(("127.0.0.1", 0))
        it = send(server, [event()], url=f"redis://127.0.0.1:{listener.getsockname()[1]}")[0]
    assert it["outcome"] == "later"


def test_a_server_that_hangs_and_comes_back(server):
    server.pause()
    try:
        it = send(server, [event()], "--timeout-ms", 200)[0]
        assert it["outcome"] == "later"
    finally:
        server.resume()
    answers = send(server, [event()], "--attempts", 3)
    assert answers[-1]["outcome"] == "delivered"


def test_a_close_leaves_nothing_behind(server):
    for delay in (0, 1, 5):
        answers = send(server, [event(n) for n in range(1, 101)], "--close-after-ms", delay)
        assert len(answers) == 100 and {a["outcome"] for a in answers} <= {"delivered", "later"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture(scope="module")
def guarded(keys):
    """Over TLS only, and not without a password."""
    with RedisServer(tls=keys.issue("server", ["127.0.0.1"]), password="closed", users=[STREAMS]) as it:
        yield it


def send_guarded(server, authority, *options, login="streams:word"):
    (answer,) = send(server, [event()], "--ca-file", authority, *options, url=f"rediss://{login}@127.0.0.1:{server.tls_port}")
    return answer


def test_tls_with_user_and_password(keys, guarded):
    guarded.client().flushall()
    assert send_guarded(guarded, keys.pem)["outcome"] == "delivered"
    assert bodies(guarded) == [event()["body"]]
    it = send_guarded(guarded, keys.pem, login="streams:other")
    assert (it["outcome"], it["err"]) == ("later", "denied") and "WRONGPASS" in it["text"], it


def test_tls_to_whom_we_do_not_trust(keys, guarded, tmp_path):
    """Nothing is sent, not even the password; and the text tells why."""
    guarded.client().flushall()
    theirs = Authority(tmp_path, "theirs")
    it = send_guarded(guarded, theirs.pem)
    assert (it["outcome"], it["err"]) == ("later", "denied") and "certificate" in it["text"], it
    it = send_guarded(guarded, tmp_path / "nothing.pem")
    assert it["outcome"] == "later" and "nothing.pem" in it["text"], it
    with RedisServer(tls=keys.issue("elsewhere", ["127.0.0.2"]), users=[STREAMS]) as elsewhere:
        it = send_guarded(elsewhere, keys.pem)
        assert (it["outcome"], it["err"]) == ("later", "denied") and "127.0.0.1" in it["text"], it
        assert elsewhere.client().exists("events") == 0
    assert guarded.client().exists("events") == 0


def test_tls_connection_that_is_lost_is_made_again(keys, guarded):
    """Writes are held up until an answer is late, which ends the connection; the next attempt has another one."""
    admin = guarded.client()
    admin.flushall()
    admin.execute_command("CLIENT", "PAUSE", 600000, "WRITE")
    before = admin.info("stats")["total_connections_received"]
    with start("redis", "--url", f"rediss://streams:word@127.0.0.1:{guarded.tls_port}", "--stream", "events",
               "--ca-file", keys.pem, "--timeout-ms", 1000, "--attempts", 1000) as process:
        process.stdin.write(json.dumps(event()) + "\n")
        process.stdin.close()
        first = json.loads(process.stdout.readline())
        admin.execute_command("CLIENT", "UNPAUSE")
        answers = [first, *map(json.loads, process.stdout)]
    assert process.returncode == 0, process.stderr
    assert (first["outcome"], answers[-1]["outcome"]) == ("later", "delivered"), answers
    assert admin.info("stats")["total_connections_received"] >= before + 2
    assert set(bodies(guarded)) == {event()["body"]}
