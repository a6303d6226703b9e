"""Bad days of Redis: work goes on, nothing is lost, nothing is done twice."""
import pathlib
import time

import pytest
import redis

from bad_days import QUICK, STEADY, Load, Stopwatch, counter, logged, running, statuses, verify, wait_logged, wait_working
from redis_variant import first
from sandbox import wait_for
from world import DEADLINE_S, World

DOMAINS = 40
SETTINGS = {**QUICK, "SESVERIFY_REDIS_COMMAND_TIMEOUT": "1s", "SESVERIFY_REDIS_CONNECT_TIMEOUT": "1s",
            "SESVERIFY_WORKER_LEASE": "3s", "SESVERIFY_WORKER_RECLAIM": "1s",
            "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100000"}


def answers(client):
    try:
        return client.dbsize() >= 0
    except redis.exceptions.ResponseError:
        return False


@pytest.fixture(name="world")
def make_world():
    with World(settings=SETTINGS, redis={"small": True, "aof": True, "config": {"enable-protected-configs": "yes"}}, **STEADY) as world:
        yield world


@pytest.fixture(name="load")
def make_load(world):
    """Forty domains in every state between a job and verified."""
    load = Load(world, DOMAINS)
    world.start_worker()
    load.push("register", load.names[: DOMAINS // 2])
    wait_for(lambda: counter(world, "status_pending_verification") >= DOMAINS // 2, "the first half to be registered")
    load.push("register", load.names[DOMAINS // 2:])
    return load


def test_F02_restart_under_load(world, load):
    for _ in range(3):
        load.push("recheck")
        begin = time.monotonic()
        world.redis_server.restart()
        away = time.monotonic() - begin
        took = wait_working(world, "after the restart")
        print(f"away for {away:.2f} s; first commit {took:.2f} s after Redis answered")
        assert took <= 2 + away  # the longer it was away, the longer the pauses between two attempts
    load.wait_verified()
    load.wait_settled()


def test_F03_kill_under_load(world, load):
    for _ in range(3):
        load.push("recheck")
        world.redis_server.kill()
        world.redis_server.start()
        wait_working(world, "after the kill")
    load.wait_verified()
    load.wait_settled()


def test_F03_the_last_second_is_lost():
    """Redis dies and comes back as it was a while ago (what a crash with appendfsync everysec leaves): a sweep finds out what is
    true by now, and what is told a second time has the id it had the first time."""
    far = {f"SESVERIFY_SCHEDULE_{key}": "1d" for key in ("FIRST_LOOK", "FLOOR", "CAP", "VERIFIED_EVERY", "SES_FLOOR")}
    sweeping = {"SESVERIFY_SCHEDULE_SWEEP_EVERY": "5s", "SESVERIFY_SCHEDULE_SWEEP_DOMAINS_MIN": "1"}
    with World(settings={**QUICK, **far, **sweeping}, redis={"small": True, "aof": False}, **STEADY) as world:
        worker = world.start_worker()
        load = Load(world, 20)
        load.push("register", load.names[:17])
        wait_for(lambda: counter(world, "done") == 17, "the jobs to be done")
        world.redis.save()
        dump = pathlib.Path(first(world.redis_server).folder, "dump.rdb")
        kept = dump.read_bytes()
        load.push("register", load.names[17:])  # these jobs will be forgotten altogether
        load.wait_verified()
        before = {e["subject"]: e for e in world.events() if e["type"].endswith(".verified.v1")}
        assert set(before) == set(load.names)
        world.redis_server.kill()
        dump.write_bytes(kept)
        world.redis_server.start()
        watch = Stopwatch(worker.pid, *world.redis_server.pids)
        wait_for(lambda: counter(world, "status_verified") == 17, "what was lost to be found out again")
        took = watch.read()
        print(f"17 domains verified again {took:.1f} s after Redis came back")
        assert took <= 10  # a sweep a period of 5 s, and the looks it calls for
        load.push("register", load.names[17:])  # the client never heard of them, and asks again
        wait_for(lambda: counter(world, "status_verified") == 20, "the forgotten ones to be verified")
        again = {e["subject"]: e for e in world.events() if e["type"].endswith(".verified.v1")}
        for name in load.names:
            one, other = before[name], again[name]
            assert one is not other and (one["source"], one["id"], one["sequence"]) == (other["source"], other["id"], other["sequence"])
        assert worker.alive()


def test_F04_black_hole(world, load):
    load.push("recheck")
    world.redis_server.pause()
    try:
        begin = time.monotonic()
        wait_logged(world.workers[0], "redis_lost", error_code="timeout")
        print(f"noticed after {time.monotonic() - begin:.2f} s")
        wait_logged(world.workers[0], "redis_unreachable")
    finally:
        world.redis_server.resume()
    print(f"first commit {wait_working(world, 'after the black hole'):.2f} s after Redis went on")
    load.push("recheck")
    load.wait_verified()
    load.wait_settled()


def test_F08_slow_loading_after_a_restart(world, load):
    world.redis.set("ballast", "x")
    world.redis.config_set("key-load-delay", 3000)  # microseconds per key, while loading
    pipe = world.redis.pipeline()
    for i in range(600):
        pipe.set(f"ballast:{i}", "x")
    pipe.execute()
    world.redis.config_set("aof-use-rdb-preamble", "yes")
    first(world.redis_server).config["key-load-delay"] = "3000"
    world.redis_server.kill()
    world.redis_server.start()
    wait_working(world, "after LOADING")
    assert "LOADING" not in "".join(str(line) for line in logged(world.workers[0], "intake_failed"))
    load.wait_verified()
    load.wait_settled()


def test_F08_busy_with_a_script(world, load):
    """A script of somebody else runs on and on; -BUSY is answered until it is killed."""
    world.redis.config_set("busy-reply-threshold", 50)
    server = first(world.redis_server)
    hog = server.client(socket_timeout=30)
    pool = hog.connection_pool.get_connection("EVAL")
    pool.send_command("EVAL", "while true do end", 0)
    try:
        wait_logged(world.workers[0], "store_call_repeated", error="BUSY")
    finally:
        server.client().script_kill()
    wait_for(lambda: answers(world.redis), "the script to be killed")
    hog.connection_pool.disconnect()
    wait_working(world, "after BUSY")
    load.push("recheck")
    load.wait_verified()
    load.wait_settled()


def test_F08_debug_sleep(world, load):
    slow = world.redis_server.client()
    slow.execute_command("DEBUG", "SLEEP", "2.5")
    wait_working(world, "after the sleep")
    load.push("recheck")
    load.wait_verified()
    load.wait_settled()


def test_F13_maxmemory(world, load):
    wait_for(load.publish, "every domain to be registered")  # a name cannot be claimed on a full server: its check would wait
    worker = world.workers[0]
    world.redis.config_set("maxmemory", 1)
    told = wait_logged(worker, "store_call_repeated", error_code="full")
    assert "OOM" in told[0]["error"]
    wait_for(lambda: not running(world), "what was under way to be committed")  # a full server allows that
    done, moves = counter(world, "done"), len(world.events())
    wait_logged(worker, "store_call_repeated", count=len(logged(worker, "store_call_repeated")) + 3, error_code="full")
    assert worker.alive() and counter(world, "done") == done and len(world.events()) == moves
    world.redis.config_set("maxmemory", 0)
    wait_working(world, "after room was made")
    load.push("recheck")
    load.wait_verified()
    load.wait_settled()


def test_F13_a_full_redis_takes_nothing_but_lets_work_drain(world, load):
    load.wait_verified()
    world.sandbox.control.post("/dns-faults", {"do": "slow", "ms": 1200, "count": -1})
    load.push("recheck")
    wait_for(lambda: len(running(world)) >= DOMAINS // 2, "checks under way")
    world.redis.config_set("maxmemory", 1)
    held = running(world)
    assert held
    wait_for(lambda: not running(world), "what was under way to be committed")
    for uid, fence in held.items():
        assert int(world.redis.hget(f"sv:{{0}}:d:{uid}", "cf")) == fence  # by the same claim, and no other came after it
    wait_logged(world.workers[0], "store_call_repeated", error="OOM")
    assert not running(world) and counter(world, "reaped") == 0
    world.sandbox.control.delete("/dns-faults")
    world.redis.config_set("maxmemory", 0)
    wait_working(world, "after room was made")
    load.push("recheck")
    load.wait_settled()


def test_F13_misconf(world, load):
    """Redis refuses writes since it could not save."""
    world.redis.config_set("appendonly", "no")
    world.redis.config_set("save", "3600 1")
    world.redis.config_set("dir", "/proc/self")  # where nothing can be saved
    world.redis.execute_command("BGSAVE")
    wait_for(lambda: world.redis.info("persistence")["rdb_last_bgsave_status"] == "err", "the save to fail")
    wait_logged(world.workers[0], "store_call_repeated", error="MISCONF")
    world.redis.config_set("stop-writes-on-bgsave-error", "no")
    wait_working(world, "after writes were allowed")
    load.wait_verified()
    load.wait_settled()


def test_F14_the_group_is_gone(world, load):
    wait_for(lambda: counter(world, "accepted") == DOMAINS, "all jobs to be admitted")
    for _ in range(3):
        world.redis.execute_command("XGROUP", "DESTROY", "sv:{0}:jobs", "verify")
        load.push("recheck")
        wait_for(lambda: world.redis.xlen("sv:{0}:jobs") == 0, "the jobs to be read")
    assert logged(world.workers[0], "group_recreated")
    load.wait_verified()
    load.wait_settled()
    for name in load.names:  # no job was done twice
        assert statuses(world, name).count("pending_verification") == 1


def test_F14_the_stream_is_gone(world, load):
    wait_for(lambda: counter(world, "open") == 0 and world.redis.xlen("sv:{0}:jobs") == 0, "all jobs to be answered")
    world.redis.delete("sv:{0}:jobs")
    load.push("recheck")
    load.wait_verified()
    load.wait_settled()


def test_scripts_flushed_under_load(world, load):
    for _ in range(20):
        world.redis.script_flush()
        load.push("recheck", load.names[:5])
        wait_working(world, "without scripts")
    load.wait_verified()
    load.wait_settled()


def test_slow_connections_killed_under_load(world, load):
    for _ in range(6):  # the pause before a new connection grows while none holds
        load.push("recheck", load.names[:5])
        world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_working(world, "over new connections")
    load.wait_verified()
    load.wait_settled()


def test_redis_emptied_is_told_and_the_worker_goes_on(world):
    """Nothing can bring back what Redis forgot; but the worker serves what comes after."""
    worker = world.start_worker()
    verify(world, "before.example")
    world.redis.flushall()
    world.seen.clear()
    world.last_id = "0"
    verify(world, "after.example")
    assert worker.alive()
    assert not world.violations(rest=True)
