"""A worker on a Redis Cluster: redirects, slots that move under load, nodes that are lost."""
import json
import threading
import time

import pytest
import redis

import doctor
from bad_days import QUICK, STEADY, Load, logged, verify
from certificates import Authority
from redis_cluster import RedisCluster
from redis_server import free_port
from sandbox import wait_for
from world import DEADLINE_S, World

DOMAINS = 30
SETTINGS = {**QUICK, "SESVERIFY_REDIS_COMMAND_TIMEOUT": "2s", "SESVERIFY_REDIS_CONNECT_TIMEOUT": "1s",
            "SESVERIFY_WORKER_LEASE": "3s", "SESVERIFY_WORKER_RECLAIM": "1s",
            "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100000"}
STALL_S = 5  # F12
INBOX = "sv:{0}:jobs"


@pytest.fixture(name="world")
def six_nodes():
    with World(settings=SETTINGS, server=RedisCluster(), **STEADY) as world:
        yield world


@pytest.fixture(name="load")
def make_load(world):
    load = Load(world, DOMAINS)
    world.start_worker()
    world.start_worker()
    load.push("register")
    load.wait_verified()
    return load


def cluster(world):
    return world.redis_server


def stubborn(call):
    """What a producer does while the cluster is on the move: it tries again."""
    def try_once():
        try:
            return (call(),)
        except redis.exceptions.RedisError:
            return None
    return wait_for(try_once, "the cluster to answer", DEADLINE_S)[0]


def seconds_to_take(load, name):
    """A job is pushed, taken and admitted, so that it leaves the inbox; how long that took."""
    client = load.world.redis
    job = json.dumps({"type": "recheck", "client_id": load.client_of(name), "domain": name})
    entry = stubborn(lambda: client.xadd(INBOX, {"job": job}))
    begin = time.monotonic()
    load.sent += 1
    wait_for(lambda: not stubborn(lambda: client.xrange(INBOX, entry, entry)), "a job to be taken", DEADLINE_S)
    return time.monotonic() - begin


class Probe:
    """Pushes jobs one after the other; the longest any of them had to wait."""

    def __init__(self, load):
        self.load, self.longest, self.count = load, 0, 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.ending.is_set():
            self.longest = max(self.longest, seconds_to_take(self.load, self.load.names[self.count % DOMAINS]))
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


def no_cross_slot(world):
    for worker in world.workers:
        for word in ("CROSSSLOT", '"error_code":"refused"'):
            assert word not in worker.text(), worker.text()[-3000:]


def keys_of(world, pattern):
    return [key.decode() for s in cluster(world).primaries() for key in s.client(decode_responses=False).scan_iter(pattern)]


def test_F12_a_life_on_a_cluster(world):
    """Through a host that is dead and a replica, to everything; and the keys of one domain are on several nodes."""
    dead = f"127.0.0.1:{free_port()}"
    replica = cluster(world).servers[-1]
    world.settings["SESVERIFY_REDIS_URL"] = f"redis+cluster://{dead},127.0.0.1:{replica.port}"
    worker = world.start_worker()
    verify(world, "first.example")
    done = world.command("status", "first.example")
    assert done.returncode == 0, done.stderr
    assert worker.alive()
    slots = {cluster(world).slot_of(key) for key in keys_of(world, "sv:*")}
    assert len({cluster(world).owner_of(slot).port for slot in slots}) > 1
    no_cross_slot(world)


def test_a_node_alone_is_refused(world):
    """redis:// to a node of a Cluster: it would serve some keys and refuse others."""
    node = cluster(world).servers[0]
    worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=f"redis://127.0.0.1:{node.port}")
    assert worker.process.wait(DEADLINE_S) == 78
    assert "redis+cluster://" in worker.text()
    world.workers.remove(worker)


def test_slow_a_life_over_tls(tmp_path):
    """rediss+cluster: every node is met by TLS, also those that the map and a redirect name."""
    ours = Authority(tmp_path, "ours")
    nodes = RedisCluster(tls=ours.issue("server", ["127.0.0.1"]), config={"tls-ca-cert-file": ours.pem})
    with World(settings={**SETTINGS, "SESVERIFY_REDIS_TLS_CA_FILE": ours.pem}, server=nodes, **STEADY) as world:
        worker = world.start_worker()
        verify(world, "first.example")
        slot = nodes.slot_of(INBOX)
        nodes.move_slot(slot, next(s for s in nodes.primaries() if s is not nodes.owner_of(slot)))
        verify(world, "second.example")
        assert worker.alive()


def test_slow_names_claimed_for_nothing_on_every_node(world):
    """A name is on whatever node its slot is: the one shard's worker finds those of all of them, and doctor tells of all."""
    names, nodes = {}, cluster(world)
    for name in (f"stray{i}.example" for i in range(100)):
        names.setdefault(nodes.owner_of(nodes.slot_of(f"sv:{{o:{name}}}")).port, name)
    assert len(names) == 3
    now_ms = int(time.time() * 1000)
    for name in names.values():
        world.redis.hset(f"sv:{{o:{name}}}", f"{name} default", f"claiming 0123456789abcdef {now_ms - 61 * 60_000} c1")

    def left_over():
        return {one["subject"] for one in doctor.report(world.environment())["findings"] if one["code"] == "owner_left_over"}
    assert left_over() == {f"{name} default" for name in names.values()}
    worker = world.start_worker(SESVERIFY_SCHEDULE_SWEEP_EVERY="500ms")
    wait_for(lambda: {line["domain"] for line in logged(worker, "claim_dropped")} == set(names.values()), "the names to be free", DEADLINE_S)
    assert not left_over() and not keys_of(world, "sv:{o:*")


def test_F12_slow_moved(world, load):
    """The shard's slot goes round all nodes, one move after the other, while jobs come in."""
    slot = cluster(world).slot_of(INBOX)
    with Probe(load) as probe:
        for _ in range(2):
            for to in cluster(world).primaries():
                if to is not cluster(world).owner_of(slot):
                    begin = time.monotonic()
                    cluster(world).move_slot(slot, to)
                    print(f"moved in {time.monotonic() - begin:.2f} s")
                    wait_for(lambda: stubborn(lambda: world.redis.exists(INBOX)), "the new node to serve", DEADLINE_S)
                    seen = probe.count
                    wait_for(lambda: probe.count >= seen + 3, "jobs to be taken there", DEADLINE_S)
    print(f"{probe.count} jobs meanwhile, the slowest was taken after {probe.longest:.2f} s")
    assert probe.longest <= STALL_S
    load.wait_settled()
    no_cross_slot(world)


def test_F12_slow_ask(world, load):
    """Slots of owners and limiters stay half moved: what is there is asked for at the new node (ASK), and nobody waits."""
    inbox = cluster(world).slot_of(INBOX)
    slots = sorted({cluster(world).slot_of(key) for key in keys_of(world, "sv:{[oqw]:*")} - {inbox})
    assert len(slots) > 10
    moves = []
    with Probe(load) as probe:
        for slot in slots:
            source = cluster(world).owner_of(slot)
            to = next(s for s in cluster(world).primaries() if s is not source)
            cluster(world).begin_move(slot, to)
            cluster(world).move_keys(slot, source, to, 1000)
            moves.append((slot, source, to))
        seen = probe.count
        wait_for(lambda: probe.count >= seen + 20, "jobs to be taken", DEADLINE_S)
        asked = sum(int(to.client().info("commandstats").get("cmdstat_asking", {}).get("calls", 0)) for _, _, to in moves[:1])
        for move in moves:
            cluster(world).end_move(*move)
        seen = probe.count
        wait_for(lambda: probe.count >= seen + 5, "jobs to be taken", DEADLINE_S)
    print(f"{probe.count} jobs meanwhile, the slowest was taken after {probe.longest:.2f} s; {asked} times ASKING at one node")
    assert asked > 0 and probe.longest <= STALL_S
    load.wait_settled()
    no_cross_slot(world)


def test_F12_slow_the_inbox_is_half_moved(world, load):
    """The stream is at the new node, the rest is not: work waits, and goes on when the move ends."""
    slot = cluster(world).slot_of(INBOX)
    source = cluster(world).owner_of(slot)
    to = next(s for s in cluster(world).primaries() if s is not source)
    cluster(world).begin_move(slot, to)
    source.client().execute_command("MIGRATE", "127.0.0.1", to.port, INBOX, 0, 5000)
    wait_for(lambda: any(logged(w, "store_call_repeated", error="TRYAGAIN") for w in world.workers), "TRYAGAIN to be told")
    while cluster(world).move_keys(slot, source, to, 100):
        pass
    cluster(world).end_move(slot, source, to)
    took = seconds_to_take(load, load.names[0])
    print(f"taking jobs {took:.2f} s after the end of the move")
    assert took <= STALL_S
    load.wait_settled()
    no_cross_slot(world)


@pytest.mark.parametrize("key", [INBOX, "sv:{o:load000.example}"])
def test_F12_slow_node_loss(world, load, key):
    """The node of the shard, or of an owner, dies; its replica is promoted."""
    slot = cluster(world).slot_of(key)
    lost = cluster(world).owner_of(slot)
    replica_epoch = time.monotonic()
    load.push("recheck")
    lost.kill()
    wait_for(lambda: cluster(world).owner_of(slot), "the replica to be promoted", 60)
    cluster(world).wait_ok()
    print(f"promoted {time.monotonic() - replica_epoch:.2f} s after the loss")
    took = seconds_to_take(load, load.names[0])
    print(f"taking jobs {took:.2f} s after that")
    assert took <= STALL_S
    lost.start()
    cluster(world).wait_ok()
    load.push("recheck")
    wait_for(lambda: stubborn(lambda: world.redis.xlen(INBOX)) == 0, "every job to be answered")
    no_cross_slot(world)
