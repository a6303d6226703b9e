"""`sesverify reshard`: everything of an installation is there afterwards, once and in its place, wherever it is broken off."""
import json
import os
import subprocess
import time

import pytest

import cli_schemas
import doctor as doctor_program
from picture import picture
from redis_cluster import RedisCluster
from sandbox import wait_for
from sv_scripts import Scripts, uid_of
from world import DEADLINE_S, World, worker_program

SCHEMA = cli_schemas.load("reshard")
EXIT_AT_COMMAND = 86
CLIENTS = [f"client-{i}" for i in range(10)] + ["be:ta%", "größe"]
TAG = "sv:{0}:"
WRITING = ("graft", "cut", "pour", "drain", "lay", "drop", "merge", "clear", "regroup", "HSET", "HDEL", "SET", "DEL", "XGROUP")
SETTINGS = {"SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000"}


def reshard(server, shards, *words, variant="sesverify", yes=True, **environment):
    """A run; its CompletedProcess."""
    command = [worker_program(variant), "reshard", str(shards), *(["--yes"] if yes else []), *words]
    return subprocess.run(command, env={**os.environ, **server.environment(), **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)


def told(done, code=0):
    """What it printed with --json."""
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    report = json.loads(done.stdout)
    assert not cli_schemas.faults(SCHEMA, report)
    return report


def content(server, shards):
    report = doctor_program.report(server.environment(), shards=shards)
    assert report["verdict"] == "right" and not report["findings"], doctor_program.sentences(report)
    return report


def live(world):
    """Domains of many clients that wait, are verified and given back; letters of every kind; answers of every outcome."""
    world.start_worker()
    for number, client in enumerate(CLIENTS):
        world.push("register", client, f"a{number}.example", contact_email=f"dns@a{number}.example")
    for number in range(len(CLIENTS)):
        event = world.wait_event("registered", f"a{number}.example")
        if number % 3 == 0:
            world.publish(f"a{number}.example", event["data"]["dns_records"])
    for number in range(0, len(CLIENTS), 3):
        world.wait_event("verified", f"a{number}.example")
    assert world.wait_answer(world.push("recheck", CLIENTS[1], "nobody.example"))["data"]["outcome"] == "rejected"
    for number in (2, 4):
        world.push("remove", CLIENTS[number], f"a{number}.example")
        world.wait_event("removed", f"a{number}.example")
    for raw in ("{", json.dumps({"type": "nonsense", "client_id": CLIENTS[3], "domain": "b.example"}),
                json.dumps({"type": "nonsense", "client_id": CLIENTS[5], "domain": "b.example"})):
        world.push_raw(raw)
    wait_for(lambda: world.redis.zcard(TAG + "dead") == 3, "the dead letters", DEADLINE_S)
    world.workers[0].stop()


def add_work(world):
    """By scripts, as workers that were killed leave it: an open job that waits, a domain that runs, entries that were read and
    entries that nobody has read, one of them not to be understood."""
    scripts, redis = Scripts(world.redis), world.redis
    entry = scripts.push("{}")
    assert scripts.take() == [entry]
    assert scripts.admit(entry, CLIENTS[1], uid_of("default", CLIENTS[1], "a1.example"), "j:1", "recheck")[0] == "OPENED"
    assert scripts.claim(uid_of("default", CLIENTS[1], "a1.example"), CLIENTS[1], "w/1", 3600000)[0] == "CLAIMED"
    for number, client in enumerate(CLIENTS):
        world.push("recheck", client, f"a{number}.example", **({"id": f"mine-{number}"} if number % 2 else {}))
        if number == 5:
            assert len(scripts.take()) == 6
    world.push_raw("[")
    redis.xgroup_create(TAG + "events", "billing", id="$")
    redis.delete("sv:{w}:hb")  # a worker that was killed, long ago


class Saved:
    """An installation with one shard, and its server to put it into again and again."""

    def __init__(self, world):
        self.world, self.redis, self.server = world, world.redis, world.redis_server
        self.keys, self.picture = self.dump(self.redis), picture(self.redis, 1)

    def restore(self):
        self.put(self.redis, self.keys)

    @staticmethod
    def dump(redis):
        kept = {key: (max(redis.pttl(key), 0), redis.dump(key)) for key in redis.keys("*")}
        return {key: kept[key] for key in kept if kept[key][1] is not None}  # a mark of short life may be gone meanwhile

    @staticmethod
    def put(redis, keys):
        redis.flushall()
        pipe = redis.pipeline(transaction=False)
        for key, (ttl, value) in keys.items():
            pipe.restore(key, ttl, value)
        pipe.execute()


@pytest.fixture(scope="module", name="saved")
def make_saved():
    with World(settings=SETTINGS, consistent=False) as world:
        live(world)
        add_work(world)
        content(world.redis_server, 1)
        yield Saved(world)


def test_there_and_back(saved):
    """1 -> 4 -> 2 -> 16 -> 1, without anything lost or doubled; consumer groups go along and are given nothing twice."""
    saved.restore()
    saved.redis.hset(TAG + "meta", mapping={"epoch": "77", "replid": "abc"})
    shards = 1
    for to in (4, 2, 16, 1):
        counted = told(reshard(saved.server, to, "--dry-run", "--json", yes=False))
        assert counted["dry_run"] and picture(saved.redis, shards) == saved.picture
        report = told(reshard(saved.server, to, "--json"))
        assert (report["from"], report["to"], report["continued"]) == (shards, to, False)
        assert report["counts"] == counted["counts"] and report["faults"] == 0 and not report["sums_differ"]
        assert report["counts"]["domains"] == {"seen": len(CLIENTS), "moved": report["counts"]["domains"]["moved"]}
        assert picture(saved.redis, to) == saved.picture
        content(saved.server, to)
        for shard in range(to):
            groups = saved.redis.xinfo_groups(f"sv:{{{shard}}}:events")
            assert [g["name"] for g in groups] == [b"billing"] and groups[0]["lag"] == 0, groups
            meta = saved.redis.hgetall(f"sv:{{{shard}}}:meta")
            meta.pop(b"epoch", None)  # the next event raises it: no `replid` is there
            assert meta == {b"schema": b"1", b"shards": str(to).encode()}
        shards = to
        print({kind: count["moved"] for kind, count in report["counts"].items()})
    assert "already" in reshard(saved.server, 1).stdout


def test_nobody_misses_events_that_were_trimmed(saved):
    """Domains that have been quiet for longer than events are kept go without any: the outbox there knows that it is not whole."""
    saved.restore()
    saved.redis.xtrim(TAG + "events", maxlen=0, approximate=False)
    content(saved.server, 1)
    for to in (4, 1):
        assert told(reshard(saved.server, to, "--json"))["faults"] == 0
        content(saved.server, to)


def commands_of(saved, run):
    """The commands that a run writes, in their order: of scripts their names."""
    names = {sha: name for name, sha in Scripts(saved.redis).shas.items()}
    written = []
    with saved.redis.monitor() as monitor:
        run()
        saved.redis.echo("the end")
        for told_of in iter(monitor.next_command, None):
            words = told_of["command"].split(" ")
            if words[0] == "ECHO":
                return written
            if told_of["client_type"] != "lua":
                written.append(names.get(words[1].strip('"'), "EVALSHA") if words[0] == "EVALSHA" else words[0])


class Crashes:
    """A change of shards that is broken off at chosen commands, each time from the same beginning."""

    def __init__(self, saved, begin, to):
        self.saved, self.to, self.ends, self.halves = saved, to, 0, 0
        saved.restore()
        if begin != 1:
            told(reshard(saved.server, begin, "--json"))
            saved.redis.hincrby("sv:{%d}:n" % (begin - 1), "stale", 3)  # what is nobody's has to be kept, too
        self.at_begin, self.picture = Saved.dump(saved.redis), picture(saved.redis, begin)

    def again(self):
        Saved.put(self.saved.redis, self.at_begin)

    def commands(self):
        self.again()
        return commands_of(self.saved, lambda: told(reshard(self.saved.server, self.to, "--json")))

    def end_at(self, number, how="SV_TEST_END_AFTER"):
        """False: it ended by itself before."""
        saved = self.saved
        self.again()
        done = reshard(saved.server, self.to, variant="sesverify-crash", **{how: str(number)})
        assert done.returncode in (0, EXIT_AT_COMMAND), f"{number}: {done.returncode} {done.stderr}"
        where = f"{how} {number}: {done.stderr[-200:]}"
        if done.returncode == EXIT_AT_COMMAND:
            self.ends += 1
            saved.redis.delete("sv:{w}:hb")  # it is dead; otherwise it counts as alive for five seconds
            report = told(reshard(saved.server, self.to, "--json"))
            self.halves += report["continued"]
            assert report["faults"] == 0 and not report["sums_differ"], where
        assert picture(saved.redis, self.to) == self.picture, where
        return done.returncode == EXIT_AT_COMMAND


def at_each_kind(saved, begin, to, of_each):
    """Right after what writes: the first, the last and others of each kind."""
    crashes = Crashes(saved, begin, to)
    written = crashes.commands()
    kinds = {kind: [n for n, one in enumerate(written, 1) if one == kind] for kind in WRITING}
    kinds = {kind: numbers for kind, numbers in kinds.items() if numbers}
    for numbers in kinds.values():
        for i in range(of_each):
            crashes.end_at(numbers[i * (len(numbers) - 1) // max(of_each - 1, 1)])
    print(f"{begin} -> {to}: {len(written)} commands, {crashes.ends} ends right after one of {sorted(kinds)}, "
          f"{crashes.halves} of them half done")
    return set(kinds)


def test_broken_off_after_each_kind_of_write(saved):
    found = at_each_kind(saved, 4, 1, 1)
    assert found == set(WRITING)


def test_slow_broken_off_after_many_writes(saved):
    at_each_kind(saved, 1, 4, 9)
    at_each_kind(saved, 4, 1, 9)


def test_slow_broken_off_anywhere(saved):
    for begin, to, step in ((1, 4, 37), (4, 1, 41), (4, 2, 43)):
        crashes = Crashes(saved, begin, to)
        number = 1
        while crashes.end_at(number, "SV_TEST_END_BEFORE") and crashes.end_at(number):
            number += step
        print(f"{begin} -> {to}: {crashes.ends} ends before and after commands up to {number}, {crashes.halves} of them half done")
        assert crashes.halves > 0


def test_who_is_refused(saved):
    """A worker that lives, a consumer that is behind, an unknown key, what `doctor` finds, nonsense: nothing is changed."""
    saved.restore()
    redis = saved.redis

    def refused(code, word, shards=4, **options):
        done = reshard(saved.server, shards, **options)
        assert done.returncode == code and word in done.stderr, (done.returncode, done.stderr)

    refused(64, "power of two", shards=3)
    refused(64, "power of two", shards=128)
    refused(64, "--yes", yes=False)
    redis.zadd("sv:{w}:hb", {"w1/host/1": int(time.time() * 1000) + 60_000})
    refused(75, "w1/host/1 is at work")
    redis.delete("sv:{w}:hb")
    redis.xgroup_create(TAG + "events", "slow", id="0")
    refused(75, "slow has not read")
    redis.xgroup_destroy(TAG + "events", "slow")
    redis.xadd(TAG + "sink:pager:dead", {"entry": "1-1"})
    refused(75, "sink:pager:dead")
    redis.delete(TAG + "sink:pager:dead")
    redis.set(TAG + "future:thing", "1")
    refused(65, "future:thing")
    redis.delete(TAG + "future:thing")
    redis.hincrby(TAG + "n", "open", 1)
    refused(1, "open_miscounted")
    redis.hincrby(TAG + "n", "open", -1)
    assert picture(redis, 1) == saved.picture


def test_half_done_nobody_starts(saved):
    """Not a worker, with the old number or the new one; not another number; and `doctor` says what is to be done."""
    saved.restore()
    world = saved.world
    commands = 1
    while saved.redis.hget(TAG + "meta", "reshard") is None:  # looks for the first moment that is half done
        saved.redis.delete("sv:{w}:hb")
        assert reshard(saved.server, 4, variant="sesverify-crash", SV_TEST_END_BEFORE=str(commands)).returncode == EXIT_AT_COMMAND
        commands += 50
    saved.redis.delete("sv:{w}:hb")
    for shards in ("1", "4"):
        worker = world.start_worker(wait=False, SESVERIFY_REDIS_SHARDS=shards)
        assert worker.process.wait(DEADLINE_S) == 78 and "sesverify reshard" in worker.text(), worker.text()[-1000:]
        world.workers.remove(worker)
    done = reshard(saved.server, 2)
    assert done.returncode == 65 and "sesverify reshard 4" in done.stderr, done.stderr
    assert "schema_differs" in {f["code"] for f in doctor_program.report(saved.server.environment())["findings"]}
    assert told(reshard(saved.server, 4, "--json"))["continued"]
    assert picture(saved.redis, 4) == saved.picture


def goes_on(world, to):
    """Workers take the jobs that were moved and go on with the numbers that were."""
    settings = {"SESVERIFY_REDIS_SHARDS": str(to), "SESVERIFY_WORKER_RECLAIM": "1s", "SESVERIFY_WORKER_LEASE": "2s"}
    before = picture(world.redis, to)
    world.start_worker(**settings)

    def jobs_left():
        return sum(world.redis.xlen(f"sv:{{{s}}}:jobs") for s in range(to))
    wait_for(lambda: jobs_left() == 0, "the jobs to be taken", DEADLINE_S)
    sequences = {source: len(story) for source, story in before["stories"].items()}

    def stories():
        return picture(world.redis, to, most=to)["stories"]
    domains = {uid: d for uid, d in before["domains"].items() if d["fields"]["st"] == "pending_verification"}
    pushed = next(iter(domains.values()))["fields"]
    world.redis.xadd(f"sv:{{{next(s for s in range(to) if world.redis.exists(f'sv:{{{s}}}:c:' + pushed['cl']))}}}:jobs", {
        "job": json.dumps({"type": "remove", "client_id": pushed["cl"], "domain": pushed["dom"]})})
    source = f"/sesverify/default/{uid_of('default', pushed['cl'], pushed['dom'])}"
    wait_for(lambda: len(stories()[source]) > sequences[source], "a later event", DEADLINE_S)
    for told_of, story in stories().items():
        assert [int(number) for number, _ in story] == list(range(1, len(story) + 1)), (told_of, story)
    world.workers[-1].stop()
    report = doctor_program.report(world.redis_server.environment(), shards=to)
    assert report["verdict"] == "right", doctor_program.sentences(report)


def test_slow_a_worker_goes_on(saved):
    saved.restore()
    told(reshard(saved.server, 4, "--json"))
    goes_on(saved.world, 4)


def test_slow_letters_of_one_name(saved):
    """Two shards may have letters of one name; both are kept when the shards become one."""
    saved.restore()
    told(reshard(saved.server, 2, "--json"))
    for shard, client in ((0, None), (1, None)):
        tag = f"sv:{{{shard}}}:"
        saved.redis.hset(tag + "dead:77-0", mapping={"reason": "malformed_json", "error": "e", "payload": f"[{shard}", "at": 77})
        saved.redis.zadd(tag + "dead", {"77-0": 77})
    told(reshard(saved.server, 1, "--json"))
    payloads = {saved.redis.hget(f"{TAG}dead:{name}", "payload") for name in ("77-0", "77-1")}
    assert payloads == {b"[0", b"[1"}


def test_slow_on_a_cluster():
    """Shards are on several nodes: 1 -> 8 -> 2, broken off on the way."""
    with World(settings=SETTINGS, server=RedisCluster(), consistent=False) as world:
        server = world.redis_server
        live(world)
        add_work(world)
        saved = picture(world.redis, 1)
        for number in (400, 600, 800):
            done = reshard(server, 8, variant="sesverify-crash", SV_TEST_END_AFTER=str(number))
            assert done.returncode in (0, EXIT_AT_COMMAND), done.stderr
            world.redis.delete("sv:{w}:hb")
        reshard(server, 8)
        assert picture(world.redis, 8) == saved
        content(server, 8)
        assert len({world.redis_server.owner_of(world.redis_server.slot_of(f"sv:{{{s}}}:d")).port for s in range(8)}) > 1
        told(reshard(server, 2, "--json"))
        assert picture(world.redis, 2) == saved
        goes_on(world, 2)
