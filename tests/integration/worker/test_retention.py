"""`events.retention`: the worker deletes old events that everybody has read, and no others."""
import json

from sandbox import wait_for
from world import DEADLINE_S, World

FAST_RETENTION = {"SESVERIFY_EVENTS_RETENTION": "2s"}
EVENTS = "sv:{0}:events"


def ids(world):
    return [entry for entry, _ in world.redis.xrange(EVENTS)]


def warned(world):
    lines = [json.loads(line) for worker in world.workers for line in worker.text().splitlines()]
    return [line["group"] for line in lines if line["event"] == "events_held"]


def test_old_events_go_and_a_slow_group_keeps_its_own():
    with World(settings=FAST_RETENTION, consistent=False) as world:
        world.start_worker()
        world.start_worker()
        world.push("recheck", "c1", "nobody.example")
        wait_for(lambda: ids(world), "the first event", DEADLINE_S)
        wait_for(lambda: not ids(world), "it to go after its time", DEADLINE_S)
        world.redis.xgroup_create(EVENTS, "slow", id="0")
        entries = [world.push("recheck", "c1", "nobody.example") for _ in range(150)]
        wait_for(lambda: len(ids(world)) == 150, "the others", DEADLINE_S)
        wait_for(lambda: set(warned(world)) == {"slow"}, "a worker to tell who holds them", DEADLINE_S)
        assert len(ids(world)) == 150
        told = []
        while reply := world.redis.xreadgroup("slow", "c", {EVENTS: ">"}, count=10):
            told += [json.loads(fields[b"event"])["id"] for _, fields in reply[0][1]]
            world.redis.xack(EVENTS, "slow", *[entry for entry, _ in reply[0][1]])
        assert sorted(told) == sorted(f"job.0.{entry}" for entry in entries)
        wait_for(lambda: len(ids(world)) <= 1, "them to go", DEADLINE_S)  # a group's place is where it read last
        assert int(world.redis.hget("sv:{0}:n", "trimmed")) >= 150


def test_never_is_never():
    with World(settings={"SESVERIFY_EVENTS_RETENTION": "0s"}, judged=False) as world:
        world.start_worker()
        world.redis.xadd(EVENTS, {"event": "{}"}, id="1-1")
        entry = world.push("recheck", "c1", "nobody.example")
        wait_for(lambda: len(ids(world)) == 2, "an answer", DEADLINE_S)
        assert entry and world.workers[0].stop() == 0
        assert len(ids(world)) == 2
