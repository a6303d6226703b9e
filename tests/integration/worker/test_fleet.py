"""Many workers on many shards: how they share the work, and how they come and go (F48)."""
import collections
import json
import math
import signal
import time
import zlib

from fault_proxy import RedisProxy
from sandbox import wait_for
from world import DEADLINE_S, World

HEARTBEAT_S = 1.0
SETTINGS = {
    "SESVERIFY_WORKER_HEARTBEAT": "1s",
    "SESVERIFY_WORKER_LEASE": "2s",
    "SESVERIFY_WORKER_RECLAIM": "1s",
    "SESVERIFY_ACCOUNT_DEFAULT_RATE": "400",
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
    # A domain is registered and looked at once; what follows is not what these tests are about.
    "SESVERIFY_SCHEDULE_FLOOR": "1h",
    "SESVERIFY_SCHEDULE_CAP": "2h",
}


def clients_of(shards, count):
    """`count` client names for each shard."""
    found = collections.defaultdict(list)
    number = 0
    while any(len(found[s]) < count for s in range(shards)):
        shard = zlib.crc32(f"client-{number}".encode()) % shards
        if len(found[shard]) < count:
            found[shard].append(f"client-{number}")
        number += 1
    return [found[s] for s in range(shards)]


class Fleet:
    """A world with shards, and what its workers did."""

    def __init__(self, shards, redis=None, **settings):
        self.shards = shards
        self.world = World(settings={**SETTINGS, "SESVERIFY_REDIS_SHARDS": str(shards), **settings}, redis=redis)
        self.clients = clients_of(shards, 1)
        self.sent = {}  # job id -> when
        self.answered = {}  # job id -> after how long, s
        self.repeated = []
        self.positions = ["-"] * shards

    def __enter__(self):
        self.world.__enter__()
        return self

    def __exit__(self, *exc):
        self.world.__exit__(*exc)

    # --- workers ---

    def start(self, count):
        fresh = [self.world.start_worker(wait=False) for _ in range(count)]
        wait_for(lambda: all(w.ready() for w in fresh), f"{count} workers to be ready", DEADLINE_S)
        return fresh

    def living(self):
        return [w for w in self.world.workers if w.alive()]

    def shares(self, workers):
        """Shards that each serves, once all of them know of each other."""
        def settled():
            told = [self.last_share(w) for w in workers]
            return told if all(t is not None and t["workers"] == len(workers) for t in told) else None
        return [t["served"] for t in wait_for(settled, f"{len(workers)} workers to know of each other", DEADLINE_S)]

    @staticmethod
    def last_share(worker):
        lines = [line for line in worker.text().splitlines() if '"event":"shards_shared"' in line]
        return json.loads(lines[-1]) if lines else None

    def wait_readers(self, count):
        """A shard that was given to others is read until the read under way ends; so many wait when all is in place."""
        def waiting():
            return sum("b" in c["flags"] for c in self.world.redis.client_list()) == count
        wait_for(waiting, f"{count} reads to wait", DEADLINE_S)

    @staticmethod
    def opened(workers):
        """Jobs that each admitted."""
        return [w.text().count('"event":"job_opened"') for w in workers]

    # --- jobs ---

    def push(self, shard):
        """One registration of a client of this shard."""
        job_id = f"j{len(self.sent)}"
        job = {"type": "register", "client_id": self.clients[shard][0], "domain": f"{job_id}.example", "id": job_id}
        self.sent[job_id] = time.monotonic()
        self.world.redis.xadd(f"sv:{{{shard}}}:jobs", {"job": json.dumps(job)})

    def read_answers(self):
        now = time.monotonic()
        for shard in range(self.shards):
            for entry, fields in self.world.redis.xrange(f"sv:{{{shard}}}:events", min=self.positions[shard]):
                self.positions[shard] = f"({entry.decode()}"
                event = json.loads(fields[b"event"])
                if event["type"] == "io.sesverify.job.finished.v1":
                    job_id = event["data"]["job_id"]
                    if job_id in self.answered:
                        self.repeated.append(job_id)
                    assert event["data"]["outcome"] == "done", event
                    self.answered[job_id] = now - self.sent[job_id]
        return len(self.answered)

    def wait_answers(self):
        wait_for(lambda: self.read_answers() == len(self.sent), "every job to be answered", DEADLINE_S)
        assert self.repeated == []

    def check(self):
        assert not self.world.violations(rest=True)


def parts(workers, shards):
    """What sv_ownership_width promises: how many serve one shard."""
    for width in range(1, workers):
        mean = width * shards / workers
        if math.ceil(mean) <= 1.2 * mean and math.floor(mean) >= 0.8 * mean:
            return width * shards
    return workers * shards


def share_and_work(count, shards, jobs_per_shard):
    with Fleet(shards) as fleet:
        workers = fleet.start(count)
        shares = fleet.shares(workers)
        mean = parts(count, shards) / count
        print(f"{count} workers, {shards} shards: served {sorted(shares)}, {mean:.2f} on average")
        assert sum(shares) == parts(count, shards)
        assert all(0.8 * mean <= s <= 1.2 * mean for s in shares)
        fleet.wait_readers(sum(shares))
        for _ in range(jobs_per_shard):
            for shard in range(shards):
                fleet.push(shard)
        fleet.wait_answers()
        fleet.check()
        opened = fleet.opened(workers)
        assert sum(opened) == len(fleet.sent)  # each admitted once
        print(f"jobs admitted by each: {sorted(opened)}, {len(fleet.sent) / count:.1f} on average")
        return opened


def few_workers(count):
    """Each shard is one worker's: so the jobs are shared as the shards are, within a fifth."""
    opened = share_and_work(count, 16, 10)
    assert all(abs(n - 160 / count) <= 0.2 * 160 / count for n in opened)


def test_F48_four_workers_share_alike():
    few_workers(4)


def test_F48_slow_two_workers_share_alike():
    few_workers(2)


def test_F48_slow_ten_workers_share_alike():
    opened = share_and_work(10, 16, 10)
    assert min(opened) > 0


def test_F48_slow_fifty_workers_share_alike():
    opened = share_and_work(50, 16, 20)
    assert min(opened) > 0


def test_F48_slow_two_workers_both_work_on_one_shard():
    opened = share_and_work(2, 1, 200)
    assert min(opened) >= 20


def test_F48_slow_workers_join_and_leave_without_pause():
    """Jobs keep arriving in all shards; workers join, one is told to stop, one is killed: each job is answered once, and
    only those that the killed one had taken wait for its leases."""
    with Fleet(16) as fleet:
        fleet.start(2)

        def load(seconds):
            until = time.monotonic() + seconds
            shard = 0
            while time.monotonic() < until:
                fleet.push(shard % 16)
                shard += 1
                fleet.read_answers()
                time.sleep(0.02)  # the rate of arrival
        load(1.0)
        joined = fleet.start(3)
        fleet.shares(fleet.living())
        load(1.0)
        joined[0].stop()
        load(1.5)
        fleet.wait_answers()
        slowest = max(fleet.answered.values())
        print(f"{len(fleet.sent)} jobs while three joined and one left: the slowest took {slowest:.2f} s")
        assert slowest < 5  # not a lease, not the time after which entries are taken over
        before = set(fleet.sent)
        joined[1].kill()
        load(3 * HEARTBEAT_S)
        fleet.wait_answers()
        waited = [s for j, s in fleet.answered.items() if j not in before]
        print(f"{len(waited)} jobs when one was killed: the slowest took {max(waited):.2f} s, "
              f"{sum(s > 1 for s in waited)} longer than a second")
        assert all(share is not None for share in fleet.shares(fleet.living()))
        fleet.check()


def test_F48_a_frozen_worker_is_missed_and_comes_back():
    with Fleet(16) as fleet:
        first, second = fleet.start(2)
        assert fleet.shares([first, second]) == [8, 8]
        first.signal(signal.SIGSTOP)
        assert fleet.shares([second]) == [16]
        for shard in range(16):
            fleet.push(shard)
        fleet.wait_answers()
        first.signal(signal.SIGCONT)
        assert fleet.shares([first, second]) == [8, 8]
        fleet.check()


def test_readers_that_are_gone_are_forgotten():
    """A worker that stops takes its consumers with it; one that was killed is forgotten an hour (here six seconds) later."""
    with Fleet(2, SESVERIFY_WORKER_RECLAIM="100ms") as fleet:
        def consumers():
            return {c["name"].decode() for s in range(2) for c in
                    fleet.world.redis.xinfo_consumers(f"sv:{{{s}}}:jobs", "verify")}
        first, second = fleet.start(2)
        third, = fleet.start(1)
        fleet.shares([first, second, third])

        def all_have_read():
            fleet.push(len(fleet.sent) % 2)
            fleet.read_answers()
            return consumers() >= {first.name, second.name, third.name}
        wait_for(all_have_read, "every worker to have read", DEADLINE_S)
        fleet.wait_answers()
        assert first.stop() == 0
        assert first.name not in consumers()
        second.kill()
        wait_for(lambda: second.name not in consumers(), "the killed worker's consumer to be forgotten", DEADLINE_S)
        fleet.check()


def test_workers_that_start_together_come_one_after_another():
    """And one that is told to stop meanwhile has not begun."""
    with World(settings={"SESVERIFY_WORKER_START_SPREAD": "1s"}, redis={"small": True}) as world, \
            RedisProxy(world.redis_server) as proxy:
        workers = [world.start_worker(wait=False, **proxy.environment()) for _ in range(6)]
        wait_for(lambda: all(w.ready() for w in workers), "the workers to be ready", DEADLINE_S)
        apart = max(proxy.accepted_at) - min(proxy.accepted_at)
        print(f"six workers came within {apart:.2f} s")
        assert apart > 0.2
        for _ in range(5):  # its wait is a random part of a minute: rarely too short for us
            accepted = proxy.accepted
            late = world.start_worker(wait=False, **proxy.environment(), SESVERIFY_WORKER_START_SPREAD="60s")
            wait_for(lambda: '"event":"start_waits"' in late.text() or late.ready(), "the worker to wait", DEADLINE_S)
            assert late.stop() == 0
            if "a signal came before the start" in late.text():
                break
        assert '"event":"stopped"' in late.text()
        assert proxy.accepted == accepted
