"""The connection of lib/net/redis against a real redis-server."""
import time

import pytest

from probe import Probe
from redis_server import RedisServer


@pytest.fixture(name="server")
def _server():
    with RedisServer() as server:
        yield server


@pytest.mark.parametrize("tcp", [False, True])
def test_ten_thousand_commands_in_order(tcp):
    with RedisServer(port=tcp) as server, Probe(server.url(tcp=tcp)) as probe:
        probe.wait("state ready")
        for _ in range(5):
            server.client().delete("n")
            probe.say("incr n 10000")
            assert probe.wait("incr") == "incr ok 10000"
        assert server.client().get("n") == "10000"
        assert not any("down" in line for line in probe.seen)


def test_who_we_are(server):
    with Probe(server.url(database=3)) as probe:
        probe.wait("state ready")
        assert probe.ask("CLIENT GETNAME") == "ok redis_probe"
        assert probe.ask("SET where here") == "ok OK"
    assert server.client(db=3).get("where") == "here"


def test_binary_safe_and_large(server):
    big = "x" * 900_000
    with Probe(server.url()) as probe:
        probe.wait("state ready")
        assert probe.ask(f"SET big {big}") == "ok OK"
        right = probe.ask("GET big") == "ok " + big
        assert right
        assert probe.ask("STRLEN big") == "ok 900000"


def test_a_reply_up_to_the_limit_and_beyond(server):
    server.client().execute_command("SETRANGE", "much", 31_000_000, "end")
    server.client().execute_command("SETRANGE", "too_much", 40_000_000, "end")
    with Probe(server.url()) as probe:
        probe.wait("state ready")
        reply = probe.ask("GET much")
        right = len(reply) == len("ok ") + 31_000_003 and reply.endswith("end")
        assert right  # alone, since pytest would print both sides
        assert probe.ask("GET too_much") == "connect nil"
        assert any(line.startswith("state down too_big") for line in probe.seen)
        probe.wait("state ready")
        server.client().rpush("list", *["x"] * 200_000)
        count = probe.ask("LRANGE list 0 -1").count("x")
        assert count == 200_000


def test_by_user_and_password():
    users = ["worker on >s3cr/et@ ~* &* +@all"]
    with RedisServer(password="master", users=users) as server:
        with Probe(server.url(user="worker", password="s3cr/et@")) as probe:
            probe.wait("state ready")
            assert probe.ask("ACL WHOAMI") == "ok worker"
        with Probe(server.url()) as probe:
            probe.wait("state ready")
            assert probe.ask("ACL WHOAMI") == "ok default"


def test_refused_credentials():
    with RedisServer(password="right") as server:
        for url, word in [(server.url(password="wrong"), "WRONGPASS"),
                          (server.url(user="nobody", password="wrong"), "WRONGPASS"),
                          (f"unix://{server.path}", "NOAUTH")]:
            with Probe(url) as probe:
                line = probe.wait("state down")
                assert line.startswith("state down denied") and word in line
                assert "wrong" not in line
    with RedisServer() as server, Probe(server.url(password="needless")) as probe:
        line = probe.wait("state down")
        assert line.startswith("state down denied") and "needless" not in line


def test_a_forbidden_command_is_no_reason_to_leave():
    users = ["worker on >pw ~* +ping +role +client|setname +get"]
    with RedisServer(users=users) as server, Probe(server.url("worker", "pw")) as probe:
        probe.wait("state ready")
        assert probe.ask("SET a b").startswith("denied NOPERM")
        assert probe.ask("GET a") == "ok nil"
        assert not any("down" in line for line in probe.seen)


def test_a_user_without_role_is_told_so():
    users = ["worker on >pw ~* +ping +get"]
    with RedisServer(users=users) as server, Probe(server.url("worker", "pw")) as probe:
        line = probe.wait("state down denied")
        assert "role" in line


@pytest.mark.parametrize("tcp", [False, True])
def test_killed_and_started_again(tcp):
    with RedisServer(port=tcp, aof=True) as server, Probe(server.url(tcp=tcp)) as probe:
        probe.wait("state ready")
        assert probe.ask("SET kept yes") == "ok OK"
        for _ in range(3):
            probe.say("held 60000 BLPOP nothing 0")
            while server.client().info("clients")["blocked_clients"] == 0:
                time.sleep(0.005)
            server.kill()
            assert probe.wait("held") == "held connect nil"
            assert probe.ask("GET kept") == "connect not started"
            server.start()
            probe.wait("state ready")
            assert probe.ask("GET kept") == "ok yes"


def test_absent_at_start():
    server = RedisServer()
    try:
        with Probe(server.url()) as probe:
            probe.wait("state down connect")
            server.start()
            probe.wait("state ready")
            assert probe.ask("PING") == "ok PONG"
    finally:
        server.close()


def test_loading_is_waited_for():
    slowly = {"key-load-delay": "5000", "loading-process-events-interval-bytes": "1024"}
    with RedisServer(aof=True, config=slowly) as server:
        pipe = server.client().pipeline()
        for i in range(2000):
            pipe.set(f"k{i}", "x" * 100)
        pipe.execute()
        server.client().bgrewriteaof()
        while server.client().info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        server.kill()
        server.start_unready()
        with Probe(server.url()) as probe:
            probe.wait("state down unavailable LOADING")
            server.client().config_set("key-load-delay", "0")
            probe.wait("state ready")
            assert probe.ask("DBSIZE") == "ok 2000"


def test_a_blocked_read_brings_its_own_deadline(server):
    server.client().xgroup_create("jobs", "g", "0", mkstream=True)
    with Probe(server.url(), command_ms=150) as probe:
        probe.wait("state ready")
        probe.seen.clear()
        read = "XREADGROUP GROUP g me COUNT 1 BLOCK {} STREAMS jobs >"
        began = time.monotonic()
        assert probe.ask(read.format(500), 20000) == "ok nil"
        assert time.monotonic() - began >= 0.45
        probe.say(f"r 21000 {read.format(20000)}")
        server.client().xadd("jobs", {"job": "one"}, id="1-1")
        assert probe.wait("r ") == "r ok [[jobs [[1-1 [job one]]]]]"
        assert not any("down" in line for line in probe.seen)
        # The same read on an ordinary deadline is given up, and so is the connection.
        assert probe.ask(read.format(500)) == "timeout nil"
        probe.wait("state ready")


def test_an_unblocked_read_leaves(server):
    server.client().xgroup_create("jobs", "g", "0", mkstream=True)
    with Probe(server.url()) as probe:
        probe.wait("state ready")
        number = probe.ask("CLIENT ID").split()[1]
        probe.say("r 9000 XREADGROUP GROUP g me BLOCK 8000 STREAMS jobs >")
        while server.client().info("clients")["blocked_clients"] == 0:
            time.sleep(0.005)
        server.client().execute_command("CLIENT", "UNBLOCK", number, "ERROR")
        assert probe.wait("r ").startswith("r connect UNBLOCKED")
        probe.wait("state ready")


def test_a_demoted_master_is_left(server):
    with Probe(server.url()) as probe:
        probe.wait("state ready")
        server.client().execute_command("REPLICAOF", "127.0.0.1", "1")  # nobody is there
        assert probe.ask("SET a b").startswith("connect READONLY")
        line = probe.wait("state down unavailable")
        assert "slave" in line
        server.client().execute_command("REPLICAOF", "NO", "ONE")
        probe.wait("state ready")
        assert probe.ask("SET a b") == "ok OK"


@pytest.mark.parametrize("tcp", [False, True])
def test_a_stopped_server_is_found_by_the_deadline(tcp):
    with RedisServer(port=tcp) as server, Probe(server.url(tcp=tcp), command_ms=300) as probe:
        probe.wait("state ready")
        server.pause()
        began = time.monotonic()
        probe.say("late 0 INCR n")
        probe.say("other 25000 INCR n")
        assert probe.wait("late") == "late timeout nil"
        assert 0.25 < time.monotonic() - began < 20
        assert "other connect nil" in probe.seen or probe.wait("other") == "other connect nil"
        server.resume()
        probe.wait("state ready")
        assert probe.ask("PING", 20000) == "ok PONG"


def test_a_slow_answer_is_waited_for_up_to_the_deadline(server):
    with Probe(server.url(), command_ms=15000) as probe:
        probe.wait("state ready")
        probe.say("s 0 DEBUG SLEEP 0.4")
        probe.say("behind 0 PING")
        assert probe.wait("s ") == "s ok OK"
        assert probe.wait("behind") == "behind ok PONG"
        assert not any("down" in line for line in probe.seen)
        probe.say("s 100 DEBUG SLEEP 0.5")
        assert probe.wait("s ") == "s timeout nil"
        probe.wait("state ready")
        assert probe.ask("PING") == "ok PONG"


def test_thrown_out_by_the_server(server):
    with Probe(server.url()) as probe:
        probe.wait("state ready")
        for _ in range(5):
            number = probe.ask("CLIENT ID").split()[1]
            assert server.client().execute_command("CLIENT", "KILL", "ID", number) == 1
            probe.wait("state down connect")
            probe.wait("state ready")


def test_too_many_clients():
    with RedisServer(config={"maxclients": "1"}) as server:
        keeper = server.client(single_connection_client=True)
        keeper.ping()
        with Probe(server.url()) as probe:
            line = probe.wait("state down")
            assert line == "state down refused ERR max number of clients reached"
            keeper.connection_pool.disconnect()
            probe.wait("state ready")
