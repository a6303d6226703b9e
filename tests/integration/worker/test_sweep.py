"""List sweeps: what SES's list contradicts is looked at now, though its own look is a day away; one worker walks. And names that
were claimed for nothing are free again."""
import json
import time

import doctor
import pytest

from bad_days import verify
from sandbox import wait_for
from sv_scripts import Scripts
from world import DEADLINE_S, World

# Domains are looked at once and then rest for a day; only a sweep can bring anything forward.
SLOW = {"SESVERIFY_SCHEDULE_VERIFIED_EVERY": "1d", "SESVERIFY_SCHEDULE_CAP": "1d", "SESVERIFY_SCHEDULE_FLOOR": "200ms",
        "SESVERIFY_SCHEDULE_SWEEP_EVERY": "2s", "SESVERIFY_SCHEDULE_SWEEP_DOMAINS_MIN": "1",
        "SESVERIFY_ACCOUNT_DEFAULT_RATE": "20"}


def sweeps(world, at_least=0):
    """The log lines of every worker's walks."""
    def read():
        lines = [json.loads(line) for worker in world.workers for line in worker.text().splitlines()
                 if '"sweep_done"' in line]
        return lines if len(lines) >= at_least else None
    return wait_for(read, f"{at_least} sweeps", DEADLINE_S)


@pytest.fixture(name="world", scope="module")
def make_world():
    with World(settings=SLOW) as world:
        world.start_worker()
        for name in ("steady.example", "failing.example", "deleted.example"):
            verify(world, name)
        yield world


def test_a_steady_domain_is_left_alone(world):
    before = world.sandbox.calls("GetIdentityVerificationAttributes")["count"]
    told = sweeps(world, len(sweeps(world)) + 3)[-1]
    assert (told["identities"], told["ours"], told["hurried"], told["pages"]) == (3, 3, 0, 1)
    assert world.sandbox.calls("GetIdentityVerificationAttributes")["count"] == before


def test_an_identity_that_failed_is_noticed(world):
    started = time.monotonic()
    world.sandbox.control.post(
        "/identities/failing.example", {"identity": "Failed", "dkim": "Failed", "pin": True})
    event = world.wait_event("failed", "failing.example")
    assert event["data"]["reason"] == "ses_failed"
    print(f"noticed and confirmed after {time.monotonic() - started:.1f} s")


def test_an_identity_that_was_deleted_is_noticed(world):
    sweeps(world, len(sweeps(world)) + 1)  # our own walk has seen it
    world.sandbox.client("sesv2").delete_email_identity(EmailIdentity="deleted.example")
    event = world.wait_event("failed", "deleted.example")
    assert event["data"]["reason"] == "identity_gone"
    assert world.domain_events("steady.example")[-1]["type"].endswith(".verified.v1")


def test_three_workers_walk_once():
    with World(settings={**SLOW, "SESVERIFY_SCHEDULE_SWEEP_EVERY": "4s"}) as world:
        world.sandbox.client("sesv2").create_email_identity(EmailIdentity="nobodys.example")
        begin = time.monotonic()
        for _ in range(3):
            world.start_worker()
        told = sweeps(world, 3)
        elapsed = time.monotonic() - begin
        assert len(told) <= elapsed / 4 + 1, f"{len(told)} walks in {elapsed:.1f} s"
        assert world.sandbox.calls("ListEmailIdentities")["count"] <= elapsed / 4 + 2
        assert all((line["identities"], line["ours"]) == (1, 0) for line in told)


def test_a_sick_list_stops_nothing():
    with World(settings=SLOW) as world:
        world.sandbox.fault("status", action="ListEmailIdentities", status=500, code="InternalFailure", count=4)
        worker = world.start_worker()
        verify(world, "client.example")
        wait_for(lambda: '"sweep_given_up"' in worker.text(), "a walk given up", DEADLINE_S)
        assert sweeps(world, 1)[0]["ours"] == 1


def test_a_worker_killed_on_its_walk():
    with World(settings={**SLOW, "SESVERIFY_SCHEDULE_SWEEP_EVERY": "500ms"}) as world:
        first = world.start_worker()
        verify(world, "client.example")
        for _ in range(10):  # somewhere in a walk, mostly
            sweeps(world, len(sweeps(world)) + 1)
        first.kill()
        key = world.redis.keys("sv:{w:*")[0]
        if world.redis.hget(key, b"own"):  # its lease need not be waited for
            world.redis.hset(key, b"till", 1)
        second = world.start_worker()
        wait_for(lambda: '"sweep_done"' in second.text(), "a walk of the next worker", DEADLINE_S)


def test_switched_off():
    with World(settings={**SLOW, "SESVERIFY_SCHEDULE_SWEEP_EVERY": "0s"}) as world:
        world.start_worker()
        verify(world, "client.example")
        assert world.sandbox.calls("ListEmailIdentities")["count"] == 0


def owner_of(world, domain):
    return (world.redis.hget(f"sv:{{o:{domain}}}", f"{domain} default") or b"").decode()


def is_older(world, domain, by_ms=11 * 60_000):
    """As if that had been claimed longer ago."""
    state, uid, at, client = owner_of(world, domain).split(" ", 3)
    world.redis.hset(f"sv:{{o:{domain}}}", f"{domain} default", f"{state} {uid} {int(at) - by_ms} {client}")


def left_over(world):
    report = doctor.report(world.environment())
    return [one["subject"] for one in report["findings"] if one["code"] == "owner_left_over"]


def dropped(world):
    return [json.loads(line)["domain"] for worker in world.workers for line in worker.text().splitlines() if '"claim_dropped"' in line]


def test_a_name_that_a_dead_worker_claimed_for_nothing_is_free_again():
    """The worker has refused the job (too many domains) and ends before it gives the name back: nobody would ever do that."""
    with World(settings={**SLOW, "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1"}) as world:
        first = world.start_worker(variant="sesverify-crash", SV_TEST_END_WORD=Scripts(world.redis).shas["own"],
                                   SV_TEST_END_BEFORE="4")  # one's claim and confirmation, the other one's claim
        verify(world, "first.example", client="a")
        world.push("register", "a", "over.example")
        first.process.wait(DEADLINE_S)
        assert first.process.returncode == 86, first.text()[-1500:]
        assert owner_of(world, "over.example").startswith("claiming") and owner_of(world, "first.example").startswith("held")
        assert world.redis.xlen("sv:{0}:jobs") == 0, "the job was to be answered: it would come again"
        is_older(world, "over.example", 61 * 60_000)
        assert left_over(world) == ["over.example default"]
        world.start_worker()
        started = time.monotonic()
        wait_for(lambda: not owner_of(world, "over.example"), "the name to be free", DEADLINE_S)
        print(f"dropped after {time.monotonic() - started:.1f} s")
        wait_for(lambda: dropped(world) == ["over.example"], "the log to tell", DEADLINE_S)
        assert left_over(world) == []
        verify(world, "over.example", client="b")
        assert owner_of(world, "over.example").startswith("held") and owner_of(world, "first.example").startswith("held")


def test_what_is_claimed_for_something_is_left_alone():
    """A claim of just now, one of a domain that is there, and a name that is held, each with walks going on."""
    with World(settings=SLOW) as world:
        world.start_worker()
        verify(world, "held.example", client="a")
        verify(world, "loose.example", client="a")
        keys = Scripts(world.redis)
        for domain, verb, client in (("loose.example", "loosen", "a"), ("young.example", "claim", "a"), ("stray.example", "claim", "a")):
            uid = owner_of(world, domain).split(" ")[1] if owner_of(world, domain) else "0123456789abcdef"
            keys.own(verb, domain, domain, "default", client, uid)
        for domain in ("held.example", "loose.example", "stray.example"):
            is_older(world, domain)
        for _ in range(2):  # a walk that began behind the last change has gone through
            wait_for(lambda: not owner_of(world, "stray.example"), "a walk", DEADLINE_S)
            keys.own("claim", "stray.example", "stray.example", "default", "a", "0123456789abcdef")
            is_older(world, "stray.example")
        states = {domain: owner_of(world, domain).split(" ")[0] for domain in ("held.example", "loose.example", "young.example")}
        assert states == {"held.example": "held", "loose.example": "claiming", "young.example": "claiming"}
        assert set(dropped(world)) == {"stray.example"}
