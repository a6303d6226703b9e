"""A worker behind Sentinels: fail-overs, Sentinels that are dead or lie, a primary cut off from the others."""
import json
import random
import signal
import time

import pytest
import redis

from bad_days import QUICK, STEADY, Load, logged, verify, wait_logged
from redis_sentinels import RedisSentinels
from sandbox import wait_for
from world import DEADLINE_S, World, zone_line

DOMAINS = 30
SETTINGS = {**QUICK, "SESVERIFY_REDIS_COMMAND_TIMEOUT": "1s", "SESVERIFY_REDIS_CONNECT_TIMEOUT": "1s",
            "SESVERIFY_WORKER_LEASE": "3s", "SESVERIFY_WORKER_RECLAIM": "1s",
            "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100000"}
TAKING_S = 3  # F10


def make_world(**server):
    return World(settings=SETTINGS, server=RedisSentinels(**server), **STEADY)


@pytest.fixture(name="world")
def three_servers_three_sentinels():
    with make_world() as world:
        yield world


def group(world):
    return world.redis_server


def push_to(server, domain):
    return server.client().xadd("sv:{0}:jobs", {"job": '{"type":"register","client_id":"late","domain":"%s"}' % domain})


def wait_following(old):
    """Sentinels have told the old primary. A server that becomes a replica ends its clients' connections, ours too."""
    def follows():
        try:
            return old.client().execute_command("ROLE")[0] == "slave"
        except redis.exceptions.ConnectionError:
            return False
    wait_for(follows, "the old primary to follow", DEADLINE_S)


def seconds_to_take(server, since, domain):
    """A job pushed to the new primary is taken and admitted, so that it leaves the inbox; how long after `since`."""
    entry, client = push_to(server, domain), server.client()
    wait_for(lambda: not client.xrange("sv:{0}:jobs", entry, entry), "a job to be taken from the new primary", DEADLINE_S)
    return time.monotonic() - since


def test_F09_demoted_primary(world):
    """The primary becomes a replica in an orderly way: nobody waits for a time-out."""
    worker = world.start_worker()
    verify(world, "before.example")
    old = group(world).fail_over()
    promoted, when = group(world).wait_promoted(old)
    took = seconds_to_take(promoted, when, "late.example")
    print(f"taking jobs {took:.2f} s after the promotion")
    assert took <= TAKING_S
    wait_logged(worker, "redis_primary", 2)
    wait_following(old)
    world.redis.connection_pool.disconnect()  # the test's own client goes on with the new one
    verify(world, "after.example")
    assert worker.alive()


def test_F09_slow_readonly_is_answered(world):
    """The server was demoted without telling anybody: READONLY, and nothing is taken from it until Sentinels have their way."""
    worker = world.start_worker()
    verify(world, "before.example")
    old = group(world).primary
    other = next(s for s in group(world).servers if s is not old)
    old.client().execute_command("REPLICAOF", "127.0.0.1", other.port)
    wait_logged(worker, "redis_lost")
    wait_for(lambda: group(world).primary.client().execute_command("ROLE")[0] == "master", "Sentinels to mend it", 60)
    verify(world, "after.example")


def test_F10_slow_sentinel_failover_under_load(world):
    load = Load(world, DOMAINS)
    world.start_worker()
    world.start_worker()
    load.push("register")
    for turn in range(2):
        wait_for(load.publish, "every domain to be registered", DEADLINE_S)
        old = group(world).primary
        group(world).wait_replicas(old)
        load.push("recheck")
        old.client().execute_command("WAIT", 1, 2000)  # what the producer was promised
        old.kill()
        promoted, when = group(world).wait_promoted(old)
        took = seconds_to_take(promoted, when, f"late{turn}.example")
        print(f"taking jobs {took:.2f} s after the promotion")
        assert took <= TAKING_S
        old.start()
        wait_following(old)
    load.wait_verified()


@pytest.mark.parametrize("dead", [0, 1])
def test_F11_slow_one_lies(dead):
    """One of five Sentinels names another server, a real primary of somebody else; some are dead."""
    with make_world(sentinels=5) as world, RedisSentinels(replicas=0, sentinels=1) as other:
        for sentinel in group(world).sentinels[:dead]:
            sentinel.kill()
        world.settings["SESVERIFY_REDIS_URL"] = group(world).url(other.sentinels[:1] + group(world).sentinels[:4])
        worker = world.start_worker()
        verify(world, "before.example")
        old = group(world).primary
        old.kill()
        promoted, when = group(world).wait_promoted(old)
        took = seconds_to_take(promoted, when, "late.example")
        print(f"taking jobs {took:.2f} s after the promotion")
        assert took <= TAKING_S
        named = {line["port"] for line in logged(worker, "redis_primary")}
        assert named == {old.port, promoted.port}, named
        assert other.servers[0].client().keys("sv:*") == []


def told(server):
    """The domain events in a server's outbox: id -> event."""
    events = [json.loads(fields["event"]) for _, fields in server.client().xrange("sv:{0}:events")]
    found = {event["id"]: event for event in events if ".domain." in event["type"]}
    assert len(found) == sum(".domain." in event["type"] for event in events)
    return found


def move(event):
    return event["subject"], event["data"]["from"], event["data"]["to"]


def verified(server):
    return int(server.client().hget("sv:{0}:n", "status_verified") or 0)


def consumed(*events):
    """What a consumer knows that read these events in this order, by its rule: the higher epoch counts, then the higher sequence."""
    last = {}
    for event in events:
        place = (event["epoch"], event["sequence"])
        if event["source"] not in last or place > last[event["source"]][0]:
            last[event["source"]] = (place, event["id"], event["subject"], event["data"]["to"])
    return last


def let_old_side_see_more(world, old, goes, lines):
    """Half of the records are published, and only the worker on the old side is awake to tell so."""
    def numbers():
        return {event["source"]: int(event["sequence"]) for event in told(old).values()}
    goes.signal(signal.SIGSTOP)
    before = numbers()
    world.publish_many(lines)
    wait_for(lambda: all(number > before[source] for source, number in numbers().items()), "the old side to tell more", DEADLINE_S)
    goes.signal(signal.SIGCONT)


def judge_histories(there, here, guarded):
    """What two outboxes of one shard say that parted at some time; the second is the one that counts."""
    same = [one for one in there if one in here and not one.endswith(".updated")]  # which may be about something else
    assert all(here[one]["data"]["to"] == there[one]["data"]["to"] for one in same)
    since = [event for event in here.values() if event["epoch"] not in {other["epoch"] for other in there.values()}]
    places = {(event["source"], event["sequence"]): event["id"] for event in there.values()}
    other = sum(places.get((event["source"], event["sequence"]), event["id"]) != event["id"] for event in since)
    twice = sum(1 for event in there.values() if event["id"] not in here and move(event) in map(move, since))
    again = sum(event["id"] in there for event in since)
    print(f"{len(there)} events on the old side, {len(here)} on the new, {len(since)} of them since the fail-over: {again} had the id of "
          f"one of the old side, {other} its number and another id, {twice} changes came under two ids")
    assert since and min(event["epoch"] for event in since) > max(event["epoch"] for event in there.values())
    assert set(there) <= set(here) if guarded else other and again + twice
    seed = random.randrange(2 ** 32)
    print("seed", seed)
    dice, both, truth = random.Random(seed), [*there.values(), *here.values()], consumed(*here.values())
    for order in [both, both[::-1], *(dice.sample(both, len(both)) for _ in range(100))]:
        assert consumed(*order) == truth


@pytest.mark.parametrize("guarded", [True, False])
def test_F17_slow_partition(guarded):
    """One worker stays with the old primary, which is parted from replicas and Sentinels; the other goes to the new one. DNS
    becomes right for all domains. Guarded (min-replicas-to-write 1, as recommended) the old primary takes no writes, and every
    change is told once. Otherwise both sides write, and find different things, one before the other: the same number then means
    two things, and the same change has two numbers. What the new side tells has a higher epoch, so whoever reads both, in whatever
    order, ends with its word."""
    config = {"min-replicas-to-write": "1", "min-replicas-max-lag": "2"} if guarded else {}
    with make_world(links=True, password="pw", config=config) as world:
        sentinels, old = group(world).sentinels, group(world).primary
        stays = world.start_worker(SESVERIFY_REDIS_URL=group(world).url(sentinels[2:]))
        goes = world.start_worker(SESVERIFY_REDIS_URL=group(world).url(sentinels[:2]))
        load = Load(world, DOMAINS)
        load.push("register")
        wait_for(lambda: all(world.domain_events(name) for name in load.names), "every domain to be registered", DEADLINE_S)
        lines = {name: [zone_line(r) for r in world.domain_events(name)[0]["data"]["dns_records"]] for name in load.names}
        group(world).wait_replicas(old)
        sentinels[2].pause()
        group(world).cut(old)
        new, _ = group(world).wait_promoted(old)
        wait_logged(goes, "redis_primary", port=new.port)
        if guarded:
            wait_logged(stays, "store_call_repeated", error="NOREPLICAS")
        else:
            let_old_side_see_more(world, old, goes, {name: of[1:] for name, of in lines.items()})
        world.publish_many(lines)
        wait_for(lambda: verified(new) == DOMAINS and verified(old) == (0 if guarded else DOMAINS), "all verified", DEADLINE_S)
        there = told(old)
        sentinels[2].resume()
        group(world).heal(old)
        wait_logged(stays, "redis_primary", port=new.port)
        wait_following(old)
        load.push("recheck")
        wait_for(lambda: new.client().xlen("sv:{0}:jobs") == 0, "every job to be answered", DEADLINE_S)
        here = told(new)
        judge_histories(there, here, guarded)
        assert {domain: to for _, _, domain, to in consumed(*here.values()).values()} == {name: "verified" for name in load.names}
