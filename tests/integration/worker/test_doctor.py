"""`sesverify doctor` on a real Redis: it is content with what a worker left, and names every single thing that is
spoiled afterwards, and nothing else."""
import json
import os
import re
import subprocess
import threading
import time

import pytest

import cli_schemas
import doctor as doctor_program
import redis_variant
from sandbox import wait_for
from sv_scripts import Scripts, uid_of
from world import DEADLINE_S, World, worker_program

SCHEMA = cli_schemas.load("doctor")
TAG = "sv:{0}:"


def doctor(server, *words, shards=1, settings=()):
    report = doctor_program.report(server.environment(), *words, shards=shards, settings=settings)
    assert not cli_schemas.faults(SCHEMA, report)
    return report


def codes(report):
    return {finding["code"] for finding in report["findings"]}


def live(world):
    """Domains that wait, run, are verified and removed; an open job, a dead letter, jobs of every outcome."""
    world.start_worker()
    for client, domain in (("acme", "a.example"), ("acme", "b.example"), ("be:ta%", "c.example")):
        world.push("register", client, domain, contact_email="dns@a.example", mail_from="bounce")
    world.publish("a.example", world.wait_event("registered", "a.example")["data"]["dns_records"])
    world.wait_event("verified", "a.example")
    world.wait_event("registered", "b.example")
    world.wait_event("registered", "c.example")
    assert world.wait_answer(world.push("recheck", "acme", "nobody.example"))["data"]["outcome"] == "rejected"
    world.push("remove", "be:ta%", "c.example")
    world.wait_event("removed", "c.example")
    world.push("register", "be:ta%", "d.example")
    world.wait_event("registered", "d.example")
    world.push_raw("{")
    wait_for(lambda: world.redis.zcard(TAG + "dead") == 1, "the dead letter", DEADLINE_S)
    world.workers[0].stop()


@pytest.fixture(scope="module", name="kept")
def make_kept():
    """What a worker left, and by scripts: b.example has an open job and waits, d.example runs."""
    with World(consistent=False) as world:
        live(world)
        scripts = Scripts(world.redis)
        report = doctor(world.redis_server)
        assert report["verdict"] == "right" and not report["findings"], doctor_program.sentences(report)
        entry = scripts.push("{}")
        assert scripts.take() == [entry]
        uids = {d: uid_of("default", c, d) for c, d in (
            ("acme", "a.example"), ("acme", "b.example"), ("be:ta%", "c.example"), ("be:ta%", "d.example"))}
        assert scripts.admit(entry, "acme", uids["b.example"], "j:1", "recheck")[0] == "OPENED"
        redis, running = world.redis, uids["d.example"]
        now = int(time.time() * 1000)
        for level in ("hi", "lo"):
            if redis.zrem(f"{TAG}due:{level}:be:ta%", running):
                redis.zadd(f"{TAG}due:{level}:be:ta%", {running: now})
        redis.hset(TAG + "d:" + running, "nx", now)
        for ring in ("ring", "ring:hi"):
            redis.zadd(TAG + ring, {"be:ta%": now}, xx=True)
        time.sleep(0.01)
        assert scripts.claim(running, "be:ta%", "w/1", 3600000)[0] == "CLAIMED"
        report = doctor(world.redis_server)
        assert report["verdict"] == "right" and not report["findings"], doctor_program.sentences(report)
        keys = {key: (max(redis.pttl(key), 0), redis.dump(key)) for key in redis.keys("*")}
        yield uids, keys


@pytest.fixture(scope="module", name="server")
def make_server():
    with redis_variant.make(small=True) as server:
        yield server


class Spoiled:
    def __init__(self, server, uids):
        self.redis, self.uids = server.client(decode_responses=False), uids

    def d(self, domain):
        return TAG + "d:" + self.uids[domain]

    def due(self, domain, client="acme"):
        for level in ("hi", "lo"):
            score = self.redis.zscore(f"{TAG}due:{level}:{client}", self.uids[domain])
            if score is not None:
                return f"{TAG}due:{level}:{client}", score
        raise AssertionError(domain)

    def unqueue(self, domain):
        """Out of its queue, and the rings are told."""
        key, _ = self.due(domain)
        self.redis.zrem(key, self.uids[domain])
        self.ring("acme")

    def ring(self, client):
        first = {}
        for level in ("hi", "lo"):
            found = self.redis.zrange(f"{TAG}due:{level}:{client}", 0, 0, withscores=True)
            first[level] = found[0][1] if found else None
        for name, times in (("ring:hi", [first["hi"]]), ("ring", first.values())):
            times = [t for t in times if t is not None]
            if times:
                self.redis.zadd(TAG + name, {client: min(times)})
            else:
                self.redis.zrem(TAG + name, client)

    def requeue(self, domain, at):
        key, _ = self.due(domain)
        self.redis.zadd(key, {self.uids[domain]: at})
        self.ring("acme")

    def change_event(self, pick, change):
        """Writes the outbox anew with one event changed (None = left out)."""
        entries, changed = self.redis.xrange(TAG + "events"), 0
        self.redis.delete(TAG + "events")
        for entry, fields in entries:
            event = json.loads(fields[b"event"])
            if not changed and pick(event):
                changed += 1
                event = change(event)
            if event is not None:
                self.redis.xadd(TAG + "events", {"event": json.dumps(event)}, id=entry)
        assert changed

    def of(self, domain, sequence):
        return lambda event: event["source"].endswith(self.uids[domain]) and int(event["sequence"]) == sequence


def changed(**data):
    return lambda event: {**event, "data": {**event["data"], **data}}



SPOILS = {
    "balance_broken": lambda s: (s.redis.hincrby(TAG + "n", "accepted", 1),),
    "counter_impossible": lambda s: s.redis.hset(TAG + "n", "stale", "-1"),
    "open_miscounted": lambda s: (s.redis.hincrby(TAG + "n", "open", 1), s.redis.hincrby(TAG + "n", "accepted", 1)),
    "status_miscounted": lambda s: s.redis.hincrby(TAG + "n", "status_verified", 1),
    "epoch_fell": lambda s: s.change_event(s.of("a.example", 1), lambda e: {**e, "epoch": "9999999999999"}),
    "commit_conflict": lambda s: s.redis.hincrby(TAG + "n", "conflict", 1),
    "answered_twice": lambda s: s.redis.xadd(TAG + "events", {"event": next(
        f[b"event"] for _, f in s.redis.xrange(TAG + "events") if b".job.finished." in f[b"event"])}),
    "answers_miscounted": lambda s: s.change_event(
        lambda e: e["data"].get("outcome") == "rejected", changed(outcome="coalesced")),
    "in_two_places": lambda s: (s.redis.zadd(TAG + "run", {s.uids["a.example"]: time.time() * 1000 + 1e6}),
                                s.redis.hset(s.d("a.example"), "own", "w/2")),
    "of_another_client": lambda s: (s.redis.zadd(TAG + "due:lo:other", {s.uids["a.example"]: 9e12}), s.ring("other")),
    "place_without_record": lambda s: (s.redis.zadd(TAG + "due:lo:acme", {"0" * 16: 9e12}), s.ring("acme")),
    "place_without_record, running": lambda s: s.redis.zadd(TAG + "run", {"0" * 16: 9e12}),
    "work_expires": lambda s: s.redis.expire(TAG + "ring", 3600),
    "open_job_forgotten": lambda s: (s.unqueue("b.example"), s.redis.hdel(s.d("b.example"), "nx")),
    "domain_forgotten": lambda s: (s.unqueue("a.example"), s.redis.hdel(s.d("a.example"), "nx")),
    "half_a_job": lambda s: s.redis.hdel(s.d("b.example"), "jt"),
    "due_time_differs": lambda s: s.requeue("a.example", time.time() * 1000 + 1e9),
    "due_time_differs, nothing noted": lambda s: s.redis.hdel(s.d("a.example"), "nx"),
    "due_time_differs, removed": lambda s: s.redis.hset(s.d("c.example"), "nx", "5"),
    "promise_lost": lambda s: s.redis.hset(s.d("a.example"), "again", "1"),
    "receipt_missing": lambda s: s.redis.delete(TAG + "job:acme:j:1"),
    "receipt_orphaned": lambda s: s.redis.set(TAG + "job:acme:j2", "open:" + s.uids["a.example"]),
    "receipt_orphaned, of a client with signs": lambda s: s.redis.set(TAG + "job:be%3Ata%25:j", "open:" + "0" * 16),
    "receipt_lifetime": lambda s: s.redis.expire(TAG + "job:acme:j:1", 1000),
    "receipt_lifetime, settled": lambda s: s.redis.set(TAG + "job:acme:j3", "done"),
    "ring_differs": lambda s: s.redis.zrem(TAG + "ring", "acme"),
    "ring_differs, a client too many": lambda s: s.redis.zadd(TAG + "ring", {"other": 9e12}),
    "ring_differs, urgent": lambda s: s.redis.zadd(TAG + "ring:hi", {"acme": 9e12}),
    "event_unreadable": lambda s: s.redis.xadd(TAG + "events", {"event": "{"}),
    "event_unreadable, no field": lambda s: s.redis.xadd(TAG + "events", {"even": "{}"}),
    "event_gap": lambda s: s.change_event(s.of("a.example", 1), lambda e: {**e, "sequence": "0000000007"}),
    "events_differ": lambda s: s.redis.hincrby(s.d("b.example"), "seq", 5),
    "events_differ, less": lambda s: s.redis.hset(s.d("a.example"), "seq", 1),
    "event_from_wrong": lambda s: s.change_event(s.of("a.example", 1), changed(**{"from": "failed"})),
    "event_kind_wrong": lambda s: s.change_event(
        s.of("a.example", 1), lambda e: {**e, "type": "io.sesverify.domain.updated.v1"}),
    "event_without_record": lambda s: s.change_event(
        s.of("c.example", 1), lambda e: {**e, "source": "/sesverify/default/" + "0" * 16}),
    "status_differs": lambda s: (s.redis.hset(s.d("b.example"), "st", "failed"),
                                 s.redis.hincrby(TAG + "n", "status_failed", 1),
                                 s.redis.hincrby(TAG + "n", "status_pending_verification", -1)),
    "fence_behind": lambda s: s.redis.hset(s.d("a.example"), "f", 0),
    "holder_differs": lambda s: s.redis.hset(s.d("a.example"), "own", "w/9"),
    "holder_differs, nobody": lambda s: s.redis.hdel(s.d("d.example"), "own"),
    "not_counted": lambda s: s.redis.hdel(TAG + "c:acme", s.uids["a.example"]),
    "counted_wrongly": lambda s: s.redis.hset(TAG + "c:be:ta%", s.uids["c.example"], ""),
    "counted_wrongly, of nobody": lambda s: s.redis.hset(TAG + "c:acme", "0" * 16, ""),
    "letter_by_half": lambda s: s.redis.delete(*s.redis.keys(TAG + "dead:*")),
    "letter_by_half, not listed": lambda s: s.redis.delete(TAG + "dead"),
    "group_missing": lambda s: s.redis.xgroup_destroy(TAG + "jobs", "verify"),
    "wrong_type": lambda s: (s.redis.delete(TAG + "x:" + s.uids["c.example"]),
                             s.redis.rpush(TAG + "x:" + s.uids["c.example"], "1")),
    "wrong_type, of no shard": lambda s: s.redis.set("sv:{o:z.example}", "1"),
    "record_unreadable": lambda s: s.redis.hset(s.d("a.example"), "s", "!"),
    "schema_differs": lambda s: s.redis.hset(TAG + "meta", "shards", "2"),
    "name_unowned": lambda s: s.redis.hdel("sv:{o:a.example}", "a.example default"),
    "owner_left_over": lambda s: s.redis.hset("sv:{o:z.example}", "z.example default", "held %s 5 acme" % ("0" * 16)),
    "detail_left_over": lambda s: s.redis.set(TAG + "x:" + "0" * 16, "f"),
    "unknown_key": lambda s: s.redis.set(TAG + "who:knows", "f"),
    "unknown_field": lambda s: s.redis.hset(s.d("a.example"), "wat", "1"),
    "lease_not_reaped": lambda s: s.redis.zadd(TAG + "run", {s.uids["d.example"]: 5}),
    "sink_disabled": lambda s: s.redis.hset(TAG + "sink:hook", mapping={"born": 5, "off": 6, "why": "answered 410"}),
    "overdue": lambda s: (s.requeue("b.example", 5), s.redis.hset(s.d("b.example"), "nx", 5)),
}
WARNINGS = {"owner_left_over", "detail_left_over", "unknown_key", "unknown_field", "lease_not_reaped", "overdue",
            "limit_exceeded", "pending_idle", "sink_disabled"}
# What cannot be spoiled without something else being wrong by it.
BESIDE = {
    "answered_twice": {"answers_miscounted"}, "half_a_job": {"record_unreadable"},
    "events_differ": {"status_differs"},
    "event_without_record": {"event_gap", "event_from_wrong"},
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_every_spoiled_thing_is_named_alone(kept, server, spoil):
    uids, keys = kept
    spoiled = Spoiled(server, uids)
    spoiled.redis.flushall()
    for key, (ttl, value) in keys.items():
        spoiled.redis.restore(key, ttl, value)
    SPOILS[spoil](spoiled)
    report = doctor(server)
    wanted = spoil.split(",")[0]
    found = codes(report)
    assert wanted in found, doctor_program.sentences(report)
    assert found - {wanted} <= BESIDE.get(wanted, set()), doctor_program.sentences(report)
    assert report["verdict"] == ("right" if wanted in WARNINGS else "wrong")
    for finding in report["findings"]:
        number = finding["invariant"]
        if number and finding["severity"] == "fault":
            assert report["invariants"][number - 1]["verdict"] == "wrong"
    assert len(report["findings"]) <= 3, doctor_program.sentences(report)


def test_limits_and_idle_jobs(kept, server):
    uids, keys = kept
    spoiled = Spoiled(server, uids)
    spoiled.redis.flushall()
    for key, (ttl, value) in keys.items():
        spoiled.redis.restore(key, ttl, value)
    spoiled.redis.xadd(TAG + "jobs", {"job": "{}"})
    [[_, [(entry, _)]]] = spoiled.redis.xreadgroup("verify", "c1", {TAG + "jobs": ">"})
    assert codes(doctor(server)) == set()
    spoiled.redis.xclaim(TAG + "jobs", "verify", "c1", 0, [entry], idle=3600000)
    report = doctor(server, settings=["limits.max_domains_per_client=1"])
    assert codes(report) == {"limit_exceeded", "pending_idle"} and report["verdict"] == "right"


def test_an_empty_redis_is_right(server):
    server.client().flushall()
    report = doctor(server)
    assert report["verdict"] == "right" and report["looked_at"]["keys"] == 0
    verdicts = {one["number"]: one["verdict"] for one in report["invariants"]}
    assert {n for n, verdict in verdicts.items() if verdict == "not_visible"} == {8, 10, 11, 12, 14, 15}


def test_a_trimmed_outbox_is_no_gap(kept, server):
    uids, keys = kept
    spoiled = Spoiled(server, uids)
    spoiled.redis.flushall()
    for key, (ttl, value) in keys.items():
        spoiled.redis.restore(key, ttl, value)
    for left in (5, 1, 0):
        spoiled.redis.xtrim(TAG + "events", maxlen=left, approximate=False)
        report = doctor(server)
        assert report["verdict"] == "right" and report["looked_at"]["events"] == left, doctor_program.sentences(report)


def test_sums_of_what_never_stands_still_are_undecided(kept, server):
    uids, keys = kept
    spoiled, stop = Spoiled(server, uids), threading.Event()
    spoiled.redis.flushall()
    for key, (ttl, value) in keys.items():
        spoiled.redis.restore(key, ttl, value)

    def move():
        mover = server.client()
        while not stop.is_set():
            mover.hincrby(TAG + "n", "stale", 1)
    thread = threading.Thread(target=move)
    thread.start()
    try:
        for _ in range(20):  # on a busy machine the mover may stand still just then
            moving = doctor(server)
            if moving["verdict"] == "undecidable":
                break
    finally:
        stop.set()
        thread.join()
    assert moving["verdict"] == "undecidable" and not moving["findings"], doctor_program.sentences(moving)
    assert [one["number"] for one in moving["invariants"] if one["verdict"] == "undecided"] == [1, 5]
    assert doctor(server)["verdict"] == "right"


def test_text_and_shards(server):
    redis = server.client()
    redis.flushall()
    redis.hset("sv:{1}:n", "accepted", 1)
    redis.hset("sv:{1}:meta", mapping={"schema": 1, "shards": 4})
    report = doctor(server, shards=4)
    assert [(f["code"], f["shard"]) for f in report["findings"]] == [("balance_broken", 1)]
    assert doctor(server, "--shard", "0", shards=4)["verdict"] == "right"
    done = subprocess.run([worker_program(), "doctor", "--set", "redis.shards=4"], env={**os.environ, **server.environment()},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1 and "balance_broken" in done.stdout and re.search(r"1 +wrong", done.stdout)
    redis.flushall()


def test_workers_that_run_meanwhile_are_no_fault():
    """Jobs, looks and removals under way: whatever moves is read again, never told as a fault."""
    with World() as world:
        world.start_worker()
        rounds = moving = 0
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for n in range(3):
                world.push("register", f"c{rounds % 7}", f"d{rounds}-{n}.example")
            if rounds > 2:
                world.push("remove", f"c{(rounds - 2) % 7}", f"d{rounds - 2}-0.example")
                world.push("recheck", f"c{(rounds - 1) % 7}", f"d{rounds - 1}-1.example")
            report = doctor(world.redis_server, settings=["limits.max_domains_per_client=1000"])
            assert report["verdict"] in ("right", "undecidable") and not report["findings"], doctor_program.sentences(report)
            moving += report["verdict"] == "undecidable"
            rounds += 1
        wait_for(lambda: doctor(world.redis_server, settings=["limits.max_domains_per_client=1000"])["verdict"] ==
                 "right", "an instant without new jobs", DEADLINE_S)
        world.workers[0].kill()  # a drain would wait for SES's rate
        print(f"{rounds} looks while a worker ran, {moving} of them undecided")
