"""A bad network between worker and Redis: noticed in time, nothing is lost, nothing is done twice."""
import os
import random
import time

import pytest

import redis_kind
from bad_days import (QUICK, STEADY, Load, Stopwatch, committed, counter, logged, memory_kib, running, verify, wait_logged,
                      wait_working)
from fault_proxy import RedisProxy, error_instead
from redis_server import RedisServer
from sandbox import wait_for
from world import World

SETTINGS = {**QUICK, "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100000"}
SHORT = {"SESVERIFY_REDIS_COMMAND_TIMEOUT": "1s", "SESVERIFY_REDIS_CONNECT_TIMEOUT": "1s", "SESVERIFY_WORKER_LEASE": "3s",
         "SESVERIFY_WORKER_RECLAIM": "1s"}
DOMAINS = 30
REPLY_MAX = 4 << 20


@pytest.fixture(name="world")
def make_world():
    with World(settings=SETTINGS, redis={"small": True, "port": True}, **STEADY) as world:
        yield world


@pytest.fixture(name="proxy")
def make_proxy(world):
    with RedisProxy(world.redis_server) as proxy:
        yield proxy
        proxy.calm()  # so that the worker can drain
        for worker in world.workers:
            if worker.alive():
                assert worker.stop() == 0


def start(world, proxy, **settings):
    return world.start_worker(**proxy.environment(), **settings)


def verified_load(world, count=DOMAINS):
    load = Load(world, count)
    load.push("register")
    load.wait_verified()
    return load


def slow_dns(world, milliseconds):
    """Checks take so long; 0 = as usual."""
    world.sandbox.control.delete("/dns-faults")
    if milliseconds:
        world.sandbox.control.post("/dns-faults", {"do": "slow", "ms": milliseconds, "count": -1})


def test_F04_black_hole(world, proxy):
    """With the default timeouts."""
    worker = start(world, proxy)
    load = verified_load(world)
    slow_dns(world, 1500)
    load.push("recheck")
    wait_for(lambda: len(running(world)) > DOMAINS // 2, "checks under way")
    proxy.silence()
    held, watch = running(world), Stopwatch(worker.pid)
    assert held
    wait_logged(worker, "redis_lost", error_code="timeout")
    took = watch.read()
    print(f"noticed after {took:.2f} s, {len(held)} checks under way")
    assert took <= 5
    slow_dns(world, 0)
    proxy.silence(False)
    wait_working(world, "after the black hole")
    load.wait_settled()
    # What was under way was kept: its results were committed under the fences it had, nobody took it over.
    assert counter(world, "reaped") == 0 and not logged(worker, "lease_lost")
    for uid, fence in held.items():
        assert int(world.redis.hget(f"sv:{{0}}:d:{uid}", "cf")) >= fence


def test_F05_slow_replies_two_seconds_late(world, proxy):
    """Nothing times out; fewer domains are looked at at once, and as many as before when Redis is quick again."""
    worker = start(world, proxy, SESVERIFY_WORKER_INFLIGHT_MAX="32", SESVERIFY_SCHEDULE_VERIFIED_EVERY="100ms")
    verified_load(world)
    slow_dns(world, 400)  # all of them are due all the time
    wait_for(lambda: len(running(world)) >= DOMAINS // 2, "many at once")
    accepted = proxy.accepted
    proxy.down.delay_s = 2
    wait_logged(worker, "store_slow")
    wait_for(lambda: len(running(world)) <= 4, "fewer at once")
    first, seen = committed(world), []

    def committed_more():
        seen.append(len(running(world)))
        return committed(world) >= first + 4
    wait_for(committed_more, "four commits")
    print(f"at most {max(seen)} at once while slow")
    assert 0 < max(seen) <= 4
    assert not logged(worker, "redis_lost") and proxy.accepted == accepted
    proxy.calm()
    watch = Stopwatch(worker.pid)
    wait_for(lambda: len(running(world)) >= DOMAINS // 2, "many at once again")
    print(f"as many as before after {watch.read():.1f} s")
    wait_logged(worker, "store_quick")
    slow_dns(world, 0)
    assert worker.stop() == 0


def test_F06_cut_inside_a_reply(world, proxy):
    """The connection ends inside what Redis says, at one byte after the other of a recheck's life: it is settled once.
    The default tier takes some of the bytes; with SV_EVERY_BYTE all of them. tests/contract/redis takes all of single replies."""
    dice = random.Random(proxy.seed)
    worker = start(world, proxy, **SHORT)
    load = verified_load(world, 1)
    name, answered = load.names[0], {}
    stride = 1 if os.environ.get("SV_EVERY_BYTE") else 150
    at, cuts, whole = dice.randrange(stride), 0, 0
    while whole < 3:  # the last ones ended before their byte came
        if cuts % 4 == 3:  # a worker whose connections never hold waits longer and longer
            assert worker.stop() == 0
            worker = start(world, proxy, **SHORT)
        wait_for(lambda: not running(world), "the last check to end")  # or the job is one with it, and soon answered
        done, entry = proxy.down.cut(at), world.push("recheck", load.client_of(name), name, id=f"cut-{at}")
        answered[entry] = world.wait_answer(entry)["data"]["outcome"]
        whole += not done.is_set()
        cuts += done.is_set()
        at += stride
    proxy.calm()
    load.sent += len(answered)
    load.wait_settled()
    print(f"cut {cuts} times, at every {stride}th byte up to {at}; answers {sorted(answered.values()).count('done')} done")
    assert set(answered.values()) <= {"done", "coalesced"} and cuts > 3
    ids = [e["id"] for e in world.events() if e["type"].endswith("finished.v1")]
    assert len(ids) == len(set(ids)) == len(answered) + 1


def nonsense(seed):
    dice = random.Random(seed)
    return bytes(dice.choice(b"\x00\xff\x80xyz") for _ in range(1000))


BAD_REPLIES = {
    "garbage": nonsense,
    "a_type_of_resp3": lambda _: b"%1\r\n+a\r\n+b\r\n",
    "a_negative_length": lambda _: b"$-7\r\n",
    "a_huge_string": lambda _: b"$2000000000\r\n" + b"x" * (3 * REPLY_MAX),
    "a_huge_list": lambda _: b"*100000000\r\n" + b":1\r\n" * REPLY_MAX,
    "a_line_without_end": lambda _: b"+" + b"x" * (3 * REPLY_MAX),
    "deeply_nested": lambda _: b"*1\r\n" * 1_000_000,
    "a_reply_nobody_asked_for": lambda _: b"+OK\r\n" * 1000,
}


@pytest.fixture(name="proxied", scope="module")
def make_proxied():
    with World(settings={**SETTINGS, "SESVERIFY_REDIS_REPLY_MAX": "4MiB"}, redis={"small": True}, **STEADY) as world, \
            RedisProxy(world.redis_server) as proxy:
        start(world, proxy)
        verify(world, "client.example")
        yield world, proxy
        assert not world.violations(rest=True)
        assert world.workers[0].stop() == 0


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_F07_nonsense_instead_of_a_reply(proxied, kind):
    world, proxy = proxied
    worker, said = world.workers[0], []

    def speak(data):
        if not said:
            said.append(BAD_REPLIES[kind](proxy.seed))
            return said[0]
        return data

    before, known = memory_kib(worker.pid, "VmHWM"), proxy.accepted
    proxy.down.rewrite = speak
    wait_for(lambda: proxy.accepted > known, "the connection to be dropped and made anew")
    proxy.calm()
    told = logged(worker, "redis_lost") + logged(worker, "redis_unreachable")
    grown = memory_kib(worker.pid, "VmHWM") - before
    print(f"{kind}: {told[-1]['msg']}; memory grew by {grown} KiB")  # the same words again are not repeated in the log
    assert {line["error_code"] for line in told} <= {"malformed", "too_big"}
    assert os.environ.get("SV_SANITIZE") or grown <= 4 * REPLY_MAX // 1024
    assert world.wait_answer(world.push("recheck", "client-1", "client.example"))["data"]["outcome"] in ("done", "coalesced")


WORDS = ["LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script.",
         "MASTERDOWN Link with MASTER is down", "TRYAGAIN Multiple keys request during rehashing of slot",
         "CLUSTERDOWN The cluster is down", "NOREPLICAS Not enough good replicas to write."]


@pytest.mark.parametrize("text", WORDS, ids=[("" if text in WORDS[2:4] else "slow_") + text.split()[0] for text in WORDS])
def test_F08_refused_for_a_while(world, proxy, text):
    """In every round each script with new words is refused once: no attempt is used up by that, and no lease runs out."""
    worker = start(world, proxy, **{f"SESVERIFY_SCHEDULE_{key}": "1d" for key in ("FIRST_LOOK", "FLOOR", "CAP")})
    names = [f"d{i}.example" for i in range(4)]
    for name in names:
        world.push("register", "c", name)
        world.wait_event("registered", name)
    seen, sent = [], len(names)

    def refuse(words):
        if words[0] != b"EVALSHA" or words in seen:
            return None
        seen.append(words)
        return error_instead(text)
    proxy.replace = refuse
    for _ in range(3):
        seen.clear()
        entries = [world.push("recheck", "c", name) for name in names]
        sent += len(entries)
        assert {world.wait_answer(entry)["data"]["outcome"] for entry in entries} == {"done"}
    proxy.replace = None
    print(f"{proxy.replaced} scripts refused")
    assert proxy.replaced >= 3 * 3 * len(names)  # admit, claim, commit at least
    word = text.split()[0]
    by_connections = redis_kind.kind() == "cluster" and word in ("TRYAGAIN", "CLUSTERDOWN")  # they ask again
    assert bool(logged(worker, "store_call_repeated", error=word)) != by_connections and not logged(worker, "redis_lost")
    for key in world.redis.keys("sv:{0}:d:*"):
        assert world.redis.hget(key, "att") == b"3"
    assert counter(world, "reaped") == 0
    assert not world.violations(rest=True, sent=sent)


def test_F09_redis_readonly(world, proxy):
    """The master becomes a replica; new connections reach the new master, as behind an address that moves."""
    refused_at = []

    def listen(data):
        if b"-READONLY" in data or b"-UNBLOCKED" in data:
            refused_at.append(time.monotonic())
        return data
    proxy.down.rewrite = listen
    with RedisServer(port=True) as second:
        second.client().execute_command("REPLICAOF", "127.0.0.1", world.redis_server.port)
        worker = start(world, proxy)
        load = verified_load(world)
        for old, new in ((world.redis_server, second), (second, world.redis_server)):
            wait_for(lambda: new.client().info("replication")["master_link_status"] == "up", "the replica to follow")
            wait_for(lambda: old.client().info("replication").get("slave0", {}).get("state") == "online", "its master to know that")
            load.push("recheck")
            proxy.target = new.path
            refused_at.clear()
            old.client().execute_command("FAILOVER", "TO", "127.0.0.1", new.port)
            wait_for(lambda: refused_at, "a former master's refusal")
            took = wait_for(lambda: [at for at in proxy.accepted_at if at > refused_at[0]], "a new connection")[0] - refused_at[0]
            print(f"connected anew {took:.3f} s after the refusal")
            assert took <= 1
            world.redis = new.client(decode_responses=False)
            wait_working(world, "at the new master")
            load.push("recheck")
            load.wait_settled()
        assert worker.stop() == 0
