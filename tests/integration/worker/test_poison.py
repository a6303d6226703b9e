"""Jobs that kill whoever works on them: they end in the dead letters, and everything else goes on (F19)."""
import json

import pytest

from bad_days import QUICK, counter
from fault_proxy import RedisProxy
from sandbox import wait_for
from test_status_port import metrics
from world import DEADLINE_S, World

DEATHS = 5
SETTINGS = {**QUICK, "SESVERIFY_WORKER_LEASE": "500ms", "SESVERIFY_WORKER_RECLAIM": "500ms", "SESVERIFY_WORKER_CRASH_WAIT": "4s",
            "SESVERIFY_WORKER_DEATHS_MAX": str(DEATHS)}
OTHERS = 5


class Poison:
    """A worker that is about to send a command with this in it, at the step that is meant, dies."""

    def __init__(self, world, proxy, word, strikes):
        self.world, self.word, self.strikes = world, word, strikes
        self.deaths = 0
        proxy.replace = self.look

    def look(self, words):
        worker = self.world.workers[-1]
        if words[0] == b"EVALSHA" and any(self.word in word for word in words) and self.strikes() and worker.alive():
            worker.kill()
            self.deaths += 1
            return ["PING"]
        return None


@pytest.fixture(name="world")
def make_world():
    with World(settings=SETTINGS, redis={"small": True}) as world:
        yield world


def live_through(world, proxy, entry):
    """Workers come and go until the job has its answer."""
    def answered():
        if not world.workers or not world.workers[-1].alive():
            world.start_worker(wait=False, **proxy.environment())
        return next((e for e in world.events() if e["id"] == f"job.0.{entry}"), None)
    return wait_for(answered, "the poisonous job's answer", DEADLINE_S)


def push_all(world):
    """A poisonous job in the middle of others; its entry, and theirs."""
    names = [f"d{i}.example" for i in range(OTHERS)]
    before = [world.push("register", "c", name) for name in names[:2]]
    entry = world.push("register", "c", "poison.example")
    return entry, before + [world.push("register", "c", name) for name in names[2:]]


def judge(world, poison, answer, entry, others, reason):
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("dead", reason)
    print(f"{poison.deaths} workers died of it")
    assert poison.deaths == DEATHS
    assert {world.wait_answer(other)["data"]["outcome"] for other in others} == {"done"}
    letter = world.redis.hgetall("sv:{0}:dead:" + entry)
    assert letter[b"reason"] == reason.encode()
    assert counter(world, "dead") == 1 and world.workers[-1].alive()
    return letter


def test_F19_slow_a_domain_whose_look_kills_the_worker(world):
    with RedisProxy(world.redis_server) as proxy:
        entry, others = push_all(world)
        uid = []

        def claimed():
            uid[:] = [key for key in world.redis.zrange("sv:{0}:run", 0, -1)
                      if world.redis.hget(b"sv:{0}:d:" + key, "dom") == b"poison.example"]
            return bool(uid)
        poison = Poison(world, proxy, b"poison.example", claimed)
        answer = live_through(world, proxy, entry)
        judge(world, poison, answer, entry, others, "crash_loop")
        dead = 'sesverify_dead_jobs_total{reason="crash_loop"}'
        wait_for(lambda: metrics(world.workers[-1]).get(dead) == 1, "the dead job to be counted", DEADLINE_S)
        proxy.replace = None
        assert world.workers[-1].stop() == 0


def test_F19_a_job_whose_reading_kills_the_worker(world):
    """It takes no other job with it, though all of them were read together."""
    with RedisProxy(world.redis_server) as proxy:
        entry, others = push_all(world)
        poison = Poison(world, proxy, b"poison.example", lambda: True)
        answer = live_through(world, proxy, entry)
        letter = judge(world, poison, answer, entry, others, "max_deliveries")
        assert json.loads(letter[b"payload"])["domain"] == "poison.example"
        poison.strikes = lambda: False  # the next version of the program can read it
        assert world.command("dead", "retry", entry, "--yes").returncode == 0
        assert world.wait_event("registered", "poison.example")
        assert world.workers[-1].stop() == 0
