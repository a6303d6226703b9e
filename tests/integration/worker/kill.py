"""kill -9 under load: no job lost, no sequence gap, no wrong transition.

    test_kill.py [--kills N] [--domains D] [--seed S] [--variant PROGRAM]

Two workers look after the domains of some clients while their records come and go, jobs of all kinds keep arriving, and one
of the two workers is killed again and again (and another one started), or frozen beyond its lease and let go. Kill points are
spread: at random instants, and at moments when Redis shows claimed domains, that is between claim and commit. At the end
everything comes to rest, and a checker folds all events and counts. Prints the counts. With `--variant sesverify-nofence` (a
worker whose commit script has lost its fence check) the same run must fail.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from checker import check  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World, zone_line  # noqa: E402

LEASE_S = 1.0
SETTINGS = {
    "SESVERIFY_WORKER_LEASE": "1s",
    "SESVERIFY_WORKER_RECLAIM": "1s",
    "SESVERIFY_WORKER_POLL": "50ms",
    "SESVERIFY_WORKER_DEATHS_MAX": "1000000",  # here it is never the domain that kills its workers
    "SESVERIFY_WORKER_CRASH_WAIT": "500ms",    # so none has to stand still for that
    "SESVERIFY_ACCOUNT_DEFAULT_RATE": "200",
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
    "SESVERIFY_LIMITS_VERIFICATION_COOLDOWN": "1s",
    "SESVERIFY_LOG_LEVEL": "info",
}
MOVES = {
    (None, "pending_verification"), ("pending_verification", "verified"), ("pending_verification", "failed"),
    ("verified", "at_risk"), ("verified", "failed"), ("at_risk", "verified"), ("at_risk", "failed"),
    ("failed", "verified"), ("pending_verification", "removed"), ("verified", "removed"), ("at_risk", "removed"),
    ("failed", "removed"), (None, "removed"),
}


class Load:
    """Jobs, and records that come and go."""

    def __init__(self, world, domains, dice):
        self.world, self.dice = world, dice
        self.names = [f"d{i:03}.example" for i in range(domains)]
        self.client = {name: f"client-{i % 7}" for i, name in enumerate(self.names)}
        self.lines = {}
        self.sent = 0

    def push(self, kind, name, **fields):
        job = {"type": kind, "client_id": self.client[name], "domain": name, **fields}
        self.world.redis.xadd("sv:{0}:jobs", {"job": json.dumps(job)})
        self.sent += 1

    def register_all(self):
        for name in self.names:
            self.push("register", name)

    def learn(self):
        """The records of newly registered domains."""
        for event in self.world.events():
            if event["type"] == "io.sesverify.domain.registered.v1":
                self.lines[event["subject"]] = [zone_line(r) for r in event["data"]["dns_records"]]

    def stir(self):
        """Some domains' records go, the others' are right; some jobs arrive."""
        self.learn()
        self.world.publish_many({name: lines if self.dice.random() < 0.7 else lines[1:]
                                 for name, lines in self.lines.items()})
        for name in self.dice.sample(self.names, 6):
            self.push(self.dice.choice(["recheck", "recheck", "register", "remove"]), name)

    def settle(self):
        for name in self.names:
            self.push("register", name)
        self.learn()
        self.world.publish_many(dict(self.lines))


class Killer:
    def __init__(self, world, dice):
        self.world, self.dice = world, dice
        self.claimed_at_kill = self.kills = self.freezes = self.taken_over = 0
        self.frozen = []  # (worker, when to let it go)
        self.held = {}    # of the frozen worker: key -> fence of its claim
        self.late = []

    def claims(self, worker):
        """What this worker holds under a lease now, key -> fence: its name begins each claim's owner."""
        keys = [b"sv:{0}:d:" + uid for uid in self.world.redis.zrange("sv:{0}:run", 0, -1)]
        pipe = self.world.redis.pipeline(transaction=False)
        for key in keys:
            pipe.hmget(key, "own", "f")
        mark = f"{worker.name}.".encode()
        return {key: int(fence) for key, (owner, fence) in zip(keys, pipe.execute()) if (owner or b"").startswith(mark)}

    def claimed(self, worker):
        return len(self.claims(worker))

    def stop_while_claimed(self, worker, deadline_s=3):
        """SIGSTOP at an instant at which the worker holds claims; what Redis says is then what it died with."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end and worker.alive():
            if self.claimed(worker):
                worker.signal(signal.SIGSTOP)
                if self.claimed(worker):
                    return True
                worker.signal(signal.SIGCONT)
        return False

    def kill_one(self):
        victims = [w for w in self.world.workers if w.alive() and w not in [f for f, _ in self.frozen]]
        victim = self.dice.choice(victims)
        if self.dice.random() < 0.6:  # between claim and commit
            self.stop_while_claimed(victim)
        else:  # anywhere: reading jobs, admitting, waiting, committing
            time.sleep(self.dice.random() * 0.2)
            victim.signal(signal.SIGSTOP)
        self.claimed_at_kill += self.claimed(victim) > 0
        victim.kill()
        self.kills += 1
        self.world.start_worker(wait=False)

    def freeze_one(self):
        running = [w for w in self.world.workers if w.alive() and w not in [f for f, _ in self.frozen]]
        if len(running) < 2 or self.frozen:
            return
        if not self.stop_while_claimed(running[0]):
            return
        self.held = self.claims(running[0])
        self.frozen.append((running[0], time.monotonic() + 2.5 * LEASE_S))
        self.freezes += 1

    def thaw(self, everything=False):
        for worker, until in list(self.frozen):
            if everything:  # never before its lease is past: only then has it something to learn
                time.sleep(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                self.let_go(worker)
                self.frozen.remove((worker, until))

    def let_go(self, worker):
        """SIGCONT. Whatever was taken from the worker meanwhile may not be committed under its old fence any more."""
        taken = {key: fence for key, fence in self.held.items()
                 if int(self.world.redis.hget(key, "f") or 0) > fence and
                 int(self.world.redis.hget(key, "cf") or 0) != fence}
        self.taken_over += len(taken)
        worker.signal(signal.SIGCONT)
        end = time.monotonic() + 0.7
        while taken and time.monotonic() < end:
            pipe = self.world.redis.pipeline(transaction=False)
            for key in taken:
                pipe.hget(key, "cf")
            for (key, fence), committed in zip(list(taken.items()), pipe.execute()):
                if int(committed or 0) == fence:
                    self.late.append(f"{key.decode()}: committed under fence {fence} after it was taken over")
                    del taken[key]


class Watcher:
    """Commits per domain: the fence of the last one may only rise."""

    def __init__(self, redis):
        self.redis, self.last, self.fallen = redis, {}, []

    def look(self, keys):
        pipe = self.redis.pipeline(transaction=False)
        for key in keys:
            pipe.hget(key, "cf")
        for key, value in zip(keys, pipe.execute()):
            fence = int(value or 0)
            if fence < self.last.get(key, 0):
                self.fallen.append(f"{key}: a commit under fence {fence} after one under {self.last[key]}")
            self.last[key] = fence


def at_rest(world):
    counters = {k.decode(): int(v) for k, v in world.redis.hgetall("sv:{0}:n").items()}
    pending = world.redis.xpending("sv:{0}:jobs", "verify")["pending"]
    return counters.get("open", 0) == 0 and pending == 0 and world.redis.xlen("sv:{0}:jobs") == 0


def tell_rest(world):
    """What keeps the store from coming to rest."""
    redis = world.redis
    print("counters", {k.decode(): int(v) for k, v in redis.hgetall("sv:{0}:n").items()})
    print("inbox", redis.xlen("sv:{0}:jobs"), redis.xpending("sv:{0}:jobs", "verify"),
          redis.xpending_range("sv:{0}:jobs", "verify", "-", "+", 5))
    for key in redis.scan_iter("sv:{q:*"):
        print(key.decode(), redis.get(key) if redis.type(key) == b"string" else redis.zrange(key, 0, -1, withscores=True))
    for worker in world.workers:
        if worker.alive():
            told = [line for line in worker.text().splitlines() if '"warn"' in line or '"error"' in line]
            print("\n".join(f"   {worker.name} {line}" for line in told[-8:]))
    tell_stragglers(world, lambda key: redis.hexists(key, "job"))


def tell_stragglers(world, is_late):
    """What is known of the first domains that did not arrive."""
    late = [key for key in world.redis.scan_iter("sv:{0}:d:*") if is_late(key)]
    print(f"{len(late)} domains are late; it is {world.redis.time()[0]}")
    for key in late[:3]:
        fields = {k.decode(): v.decode() for k, v in world.redis.hgetall(key).items()}
        print(fields)
        for event in world.events():
            data = event["data"]
            if data.get("domain") == fields.get("dom"):
                print("  ", event["time"], event["type"].split(".")[2:4], data.get("type"), data.get("job_id"),
                      data.get("outcome"), data.get("reason"), data.get("to"))
        for worker in world.workers:
            told = [line for line in worker.text().splitlines() if fields.get("dom", "?") in line and '"info"' not in line]
            print("\n".join(f"   {worker.name} {line}" for line in told[-4:]))


def wait_or_tell(condition, what, seconds, tell, *args):
    """Waits; in vain: tells what is known of it, then fails."""
    try:
        wait_for(condition, what, seconds)
    except AssertionError:
        tell(*args)
        raise


def finish(world, load, killer):
    """Lets everything come to rest with all records right, and every domain verified."""
    killer.thaw(everything=True)
    load.settle()
    wait_or_tell(lambda: at_rest(world), "every job to be answered", 60, tell_rest, world)

    def all_verified():
        load.learn()
        world.publish_many(dict(load.lines))
        counters = {k.decode(): int(v) for k, v in world.redis.hgetall("sv:{0}:n").items()}
        return counters.get("status_verified", 0) == len(load.names)
    wait_or_tell(all_verified, "every domain to be verified", 90, tell_stragglers, world,
                 lambda key: world.redis.hget(key, "st") != b"verified")
    for worker in world.workers:
        if worker.alive():
            code = worker.stop()
            assert code == 0, f"a worker ended with {code}: {worker.text()[-1500:]}"


def judge(world, load, killer, watcher):
    events = world.events()
    moves = collections.Counter()
    for event in events:
        if ".domain." in event["type"] and event["data"]["from"] != event["data"]["to"]:
            moves[(event["data"]["from"], event["data"]["to"])] += 1
    answers = collections.Counter(e["id"] for e in events if e["type"].endswith("finished.v1"))
    outcomes = collections.Counter(e["data"]["outcome"] for e in events if e["type"].endswith("finished.v1"))
    lost = sum(w.text().count('"lease_lost"') for w in world.workers)
    stale = int(world.redis.hget("sv:{0}:n", "stale") or 0)
    wrong = check(world.redis, rest=True) + watcher.fallen + killer.late
    wrong += [f"a move that is not in the table: {move}" for move in moves if move not in MOVES]
    wrong += [f"the answer {name} came {count} times" for name, count in answers.items() if count > 1]
    if len(answers) != load.sent:
        wrong.append(f"{load.sent} jobs were sent, {len(answers)} answered")
    share = killer.claimed_at_kill / max(killer.kills, 1)
    print(f"sent {load.sent}, answered {len(answers)} {dict(outcomes)}, events {len(events)}, "
          f"transitions {sum(moves.values())} ({sum(moves.values()) / len(load.names):.1f} per domain)")
    print(f"kills {killer.kills}, between claim and commit {killer.claimed_at_kill} ({share:.0%}), "
          f"freezes {killer.freezes} ({killer.taken_over} claims taken over), fenced commits {stale}, leases found lost {lost}, "
          f"wrong {len(wrong)}")
    if share < 0.3:
        wrong.append("less than 30 % of the kills fell between claim and commit: this run proves little")
    if sum(moves.values()) < 2 * len(load.names):
        wrong.append("less than two transitions per domain: this run proves little")
    return wrong


def run(kills, domains, seed, variant):
    dice = random.Random(seed)
    print(f"seed {seed}, {domains} domains, {kills} kills, {variant}")
    with World(settings=SETTINGS, variant=variant, speed=20000) as world:
        # DNS answers slowly, as it does in the world: a check takes a while, and death finds it in the middle.
        world.sandbox.control.post("/dns-faults", {"do": "slow", "ms": 40, "count": -1})
        world.start_worker()
        world.start_worker()
        load, killer, watcher = Load(world, domains, dice), Killer(world, dice), Watcher(world.redis)
        load.register_all()
        keys = []
        # Not before a frozen worker was taken over a few times: without that the fences had nothing to do.
        while killer.kills < kills or (killer.taken_over < 3 and killer.kills < 3 * kills):
            load.stir()
            keys = keys if len(keys) == domains else [k for k in world.redis.scan_iter("sv:{0}:d:*", count=1000)]
            watcher.look(keys)
            killer.thaw()
            if killer.kills % 5 in (1, 3):
                killer.freeze_one()
            killer.kill_one()
            time.sleep(dice.random() * 0.3)
        try:
            finish(world, load, killer)
        except AssertionError as error:  # a domain that never arrives is wrong, and without fences one of the ways to be
            print(f"never settled: {error}")
            return 1
        watcher.look(keys)
        wrong = judge(world, load, killer, watcher)
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--domains", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SV_SEED", time.time_ns() % 1_000_000)))
    parser.add_argument("--variant", default="sesverify")
    parser.add_argument("--expect-wrong", action="store_true", help="succeed only if something was wrong")
    args = parser.parse_args()
    if not args.expect_wrong:
        return run(args.kills, args.domains, args.seed, args.variant)
    wrong = run(args.kills, args.domains, args.seed, args.variant)
    print("this worker was caught" if wrong else "nothing was wrong: the test cannot fail")
    return 0 if wrong else 1


if __name__ == "__main__":
    sys.exit(main())
