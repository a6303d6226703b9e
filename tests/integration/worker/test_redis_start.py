"""What the worker asks of a Redis server before it begins: version, settings that lose work, replicas, kind, number of shards."""
import socket
import threading

import pytest

from bad_days import logged
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World

STRICT = {"SESVERIFY_REDIS_UNSAFE_SERVER": "refuse"}
DOUBTS = ["redis_may_evict", "redis_not_durable", "redis_aof_fails", "redis_replicas_not_waited_for", "redis_no_replica"]


def told(worker):
    return [event for event in DOUBTS if logged(worker, event)]


def refused(world, code, said, **settings):
    worker = world.start_worker(wait=False, **settings)
    assert worker.process.wait(DEADLINE_S) == code, worker.text()
    world.workers.remove(worker)
    line = logged(worker, "prepare_failed")[0]
    assert said in line["msg"] and line["exit_code"] == code, line
    return worker


def test_a_server_as_it_should_be():
    with World(settings=STRICT, server=RedisServer(aof=True)) as world:
        assert not told(world.start_worker())


@pytest.mark.parametrize("config, aof, doubts, said", [
    ({"maxmemory-policy": "allkeys-lru"}, True, ["redis_may_evict"], "maxmemory-policy is not noeviction"),
    ({}, False, ["redis_not_durable"], "appendonly is off"),
    ({"maxmemory-policy": "volatile-ttl"}, False, ["redis_may_evict", "redis_not_durable"], "maxmemory-policy is not noeviction"),
])
def test_settings_that_lose_work_are_told_or_refused(config, aof, doubts, said):
    with World(server=RedisServer(aof=aof, config=config)) as world:
        worker = refused(world, 78, said, **STRICT)
        assert told(worker) == doubts and not world.redis.keys("*")
        worker = world.start_worker()
        assert told(worker) == doubts and logged(worker, doubts[0])[0]["level"] == "warn"


def test_replicas_that_no_write_waits_for_are_told():
    with World(settings=STRICT, server=RedisServer(aof=True, port=True)) as world:
        with RedisServer(config={"replicaof": f"127.0.0.1 {world.redis_server.port}", "repl-diskless-sync-delay": "0"}):
            wait_for(lambda: world.redis.info("replication")["connected_slaves"] == 1, "the replica", DEADLINE_S)
            assert told(world.start_worker()) == ["redis_replicas_not_waited_for"]
            world.redis.config_set("min-replicas-to-write", 1)
            wait_for(lambda: world.redis.info("replication").get("min_slaves_good_slaves") == 1, "a good replica", DEADLINE_S)
            assert not told(world.start_worker())
            for worker in world.workers:
                assert worker.stop() == 0


def test_a_node_of_a_cluster_is_no_server_of_its_own():
    with World(server=RedisServer(port=True, config={"cluster-enabled": "yes"}), consistent=False) as world:
        refused(world, 78, "redis.url must begin with redis+cluster://")


def test_another_number_of_shards():
    with World() as world:
        assert world.start_worker().stop() == 0
        refused(world, 78, "redis.shards is 2, but this installation has 1", SESVERIFY_REDIS_SHARDS="2")


class OldServer:
    """Speaks enough RESP to be greeted, and says that it is Redis 6.2."""

    INFO = "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n"
    ANSWERS = {"ROLE": "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", "PING": "+PONG\r\n", "CLIENT": "+OK\r\n",
               "INFO": f"${len(INFO)}\r\n{INFO}\r\n"}

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.seen = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection.makefile("rwb", buffering=0),), daemon=True).start()

    def serve(self, stream):
        while line := stream.readline():
            words = []
            for _ in range(int(line[1:])):
                words.append(stream.read(int(stream.readline()[1:])).decode())
                stream.read(2)
            self.seen.append(words[0])
            stream.write(self.ANSWERS.get(words[0], "-ERR unknown command\r\n").encode())


def test_an_old_server():
    server = OldServer()
    with World() as world:
        refused(world, 78, 'redis_version is "6.2.14", 7.0 is needed', SESVERIFY_REDIS_URL=server.url)
    assert "INFO" in server.seen and not {"HSETNX", "XGROUP"} & set(server.seen)
