"""`sesverify pause` and `resume`: what is held up is not looked at, jobs wait, nothing is lost, and it goes on after."""
import json
import os
import subprocess
import time

import pytest

import cli_schemas
import redis_variant
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

PAUSED, ACTION = cli_schemas.load("paused"), cli_schemas.load("pause-action")
NOTICED_S = 6  # workers look every two seconds


def told(done, validator):
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        assert not cli_schemas.faults(validator, line), line
    return lines


def act(world, *words):
    return told(world.command(*words, "--json"), ACTION)[0]["changed"]


def paused(world):
    return told(world.command("pause", "--json"), PAUSED)


def calls(world):
    return sum(one["count"] for one in world.sandbox.calls().values())


def quiet(world, moves):
    """Waits until what `moves` counts stands still for a second, and is then still for another two."""
    end = time.monotonic() + NOTICED_S + DEADLINE_S
    last, since = moves(), time.monotonic()
    while time.monotonic() - since < 1.5:
        assert time.monotonic() < end, "it goes on though it is paused"
        time.sleep(0.1)
        now = moves()
        if now != last:
            last, since = now, time.monotonic()
    time.sleep(1)
    assert moves() == last
    return last


def fences(world, client):
    total = 0
    for key in world.redis.keys("sv:{0}:d:*"):
        owner, fence = world.redis.hmget(key, "cl", "f")
        total += int(fence) if owner == client.encode() else 0
    return total


def start(world, workers=2):
    for _ in range(workers):
        world.start_worker()
    for client, domain in (("acme", "a.example"), ("beta", "b.example")):
        world.push("register", client, domain)
        world.wait_event("registered", domain)


def test_a_paused_client_waits_and_others_do_not():
    with World() as world:
        start(world)
        assert act(world, "pause", "--client", "acme", "--why", "asked for it", "--by", "op")
        assert not act(world, "pause", "--client", "acme")
        [note] = paused(world)
        assert (note["scope"], note["name"], note["by"], note["why"]) == ("client", "acme", "op", "asked for it")
        quiet(world, lambda: fences(world, "acme"))
        others = fences(world, "beta")
        job = world.push("recheck", "acme", "a.example")
        new = world.push("register", "acme", "c.example")
        wait_for(lambda: world.redis.xlen("sv:{0}:jobs") == 0, "the jobs to be taken in", DEADLINE_S)
        late = world.start_worker()  # one that starts later heeds it from its first claim on
        held = fences(world, "acme")
        time.sleep(2)
        assert fences(world, "acme") == held and not world.domain_events("c.example")
        assert fences(world, "beta") > others
        assert act(world, "resume", "--client", "acme") and paused(world) == []
        assert world.wait_answer(job)["data"]["outcome"] in ("done", "coalesced")
        assert world.wait_answer(new)["data"]["outcome"] == "done"
        assert '"event":"pauses_changed"' in late.text()


@pytest.mark.parametrize("what", [("--all",), ("--account", "default")])
def test_slow_while_all_is_paused_nothing_is_asked_and_nothing_is_lost(what):
    with World() as world:
        start(world)
        assert act(world, "pause", *what)
        quiet(world, lambda: calls(world))
        jobs = [world.push("recheck", "acme", "a.example"), world.push("register", "beta", "d.example")]
        wait_for(lambda: world.redis.xlen("sv:{0}:jobs") == 0, "the jobs to be taken in", DEADLINE_S)
        before = calls(world)
        time.sleep(2)
        assert calls(world) == before and world.redis.zcard("sv:{0}:run") == 0
        assert act(world, "resume", *what)
        if what == ("--all",):  # an account's domains come back within a minute
            for job in jobs:
                assert world.wait_answer(job)["data"]["outcome"] in ("done", "coalesced")
        else:
            nx = [int(world.redis.hget(k, "nx") or 0) for k in world.redis.keys("sv:{0}:d:*")]
            assert max(nx) < time.time() * 1000 + 61000


def test_usage_and_text():
    with redis_variant.make() as server:
        def run(*words):
            return subprocess.run([worker_program(), *words], env={**os.environ, **server.environment()},
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert "nothing is paused" in run("pause").stdout
        assert run("pause", "--client", "acme", "--all").returncode == 64
        assert run("resume").returncode == 64
        assert run("pause", "--client", "").returncode == 64
        assert run("pause", "--account", "moon").returncode == 65
        assert "client acme: paused" in run("pause", "--client", "acme", "--why", "two\nlines").stdout
        assert "1 of clients, accounts or all are paused" in run("status").stderr
        table = run("pause").stdout
        assert "acme" in table and "two?lines" in table
        assert "it was so already" in run("pause", "--client", "acme").stdout
        assert "client acme: resumed" in run("resume", "--client", "acme").stdout
        assert "it was so already" in run("resume", "--client", "acme").stdout
