"""Random histories: several workers take jobs, claim, commit, crash, come back late and repeat
calls whose answers they lost. The checker must find nothing wrong, at any time and in the end; and
it must find something once the fence check is taken out. The seed is printed; SV_SEED repeats it."""
import os
import random

import checker
import pytest
import sv_scripts
from sv_scripts import uid_of
from steps import commit_args

CLIENTS = ["c%d" % n for n in range(4)] + ["c:olon %", "Ünïcode"]
STATUSES = ["pending_verification", "verified", "at_risk", "failed"]
LIMITS = {"domains_max": 4, "attempts_max": 2}


class History:
    def __init__(self, store, committer, seed):
        self.store, self.committer = store, committer
        self.rand = random.Random(seed)
        self.sent = 0
        self.jobs = {}  # entry id -> what was pushed
        self.taken = []  # by anybody, not settled as far as they know
        self.held = []  # (uid, client, fence), good or long lost
        self.serial = 0
        self.answers = {}

    def count(self, what):
        self.answers[what] = self.answers.get(what, 0) + 1
        return what

    def push(self):
        client = self.rand.choice(CLIENTS)
        kind = self.rand.choice(["register"] * 3 + ["adopt"] + ["recheck"] * 12 + ["remove"])
        job_id = "j%d" % self.rand.randrange(40) if self.rand.random() < 0.2 else None
        size = 70000 if self.rand.random() < 0.01 else 2
        entry = self.store.push("x" * size)
        self.jobs[entry] = (client, "d%d.example" % self.rand.randrange(6), kind, job_id or entry)
        self.sent += 1

    def take(self):
        self.taken += self.store.take("w%d" % self.rand.randrange(3), 5)

    def take_over(self):
        """A worker died: another finds its entries."""
        pending = self.store.redis.xpending_range(
            self.store.key("jobs"), "verify", "-", "+", 10)
        for item in pending:
            entry = item["message_id"].decode()
            self.store.redis.xclaim(
                self.store.key("jobs"), "verify", "w9", 0, [entry], justid=True)
            answer = self.count("fetch " + self.store.fetch(entry, "w9")[0])
            if answer == "fetch READ" and entry not in self.taken:
                self.taken.append(entry)

    def settle(self):
        if not self.taken:
            return
        entry = self.rand.choice(self.taken)
        client, domain, kind, job_id = self.jobs[entry]
        if self.rand.random() < 0.05:
            call = lambda: self.store.bury(entry, "malformed_json", "no", "x",
                                           self.store.job_event(entry, job_id, "dead"))
        else:
            todo = {"register": 1, "adopt": 1, "remove": 8}.get(kind, 0)
            options = dict(LIMITS, todo=todo, fields={"dom": domain}, email=self.rand.choice(
                ["", "a@b.example"]), cooldown_ms=self.rand.choice([0, 10 ** 9, 10 ** 9]))
            call = lambda: self.store.admit(
                entry, client, uid_of("default", client, domain), job_id, kind, **options)
        if self.rand.random() < 0.1:
            call()  # the answer is lost
        answer = call()
        self.count("admit " + (answer if isinstance(answer, str) else answer[0]))
        if self.rand.random() < 0.9:
            self.taken.remove(entry)

    def claim(self):
        ring = [c.decode() for c in self.store.redis.zrange(self.store.key("ring"), 0, -1)]
        if not ring:
            return
        client = self.rand.choice(ring)
        for level in ("hi", "lo"):
            for uid in self.store.redis.zrange(
                    self.store.key("due:%s:%s" % (level, client)), 0, 0):
                self.serial += 1
                own = "w/%d" % self.serial
                if self.rand.random() < 0.1:
                    self.store.claim(uid.decode(), client, own)
                answer = self.store.claim(uid.decode(), client, own)
                self.count("claim " + answer[0])
                if answer[0] == "CLAIMED":
                    self.held.append((uid.decode(), client, answer[1], dict(
                        zip(answer[3][::2], answer[3][1::2]))))

    def result(self, claimed):
        """What a worker wants to commit, from what its claim returned and nothing newer."""
        uid, client, fence, d = claimed
        to = self.rand.choice(STATUSES + [d["st"]]) if d["st"] != "new" else STATUSES[0]
        options = {"wait_ms": 0, "urgent": self.rand.random() < 0.3}
        if int(d.get("todo", 0)) & 8 and d["st"] != "new":
            to = "removed"
            options.update(wait_ms=-1, forget=True, delete=["todo"])
        elif d["st"] == "removed":
            to = "pending_verification" if int(d.get("todo", 0)) & 1 else "removed"
            options.update({} if to != "removed" else {"wait_ms": -1, "forget": True})
        elif d["st"] != "new":
            options["delete"] = ["todo"]
        told = None if d["st"] in ("new", "removed") else d["st"]
        if to != d["st"]:
            kind = "registered" if told is None else None
            options["event"] = self.store.domain_event(uid, int(d["seq"]) + 1, told, to, kind)
        if "jid" in d and (to == "removed" or self.rand.random() < 0.8):
            options.update(job_id=d["jid"], outcome="done",
                           job_event=self.store.job_event(d["job"], d["jid"], "done"))
        if self.rand.random() < 0.2:
            options["give_back"] = True
        if to == "verified":
            options["reset"] = True
        return (uid, client, fence, d["seq"], d["st"], to), options

    def commit(self):
        if not self.held:
            return
        claimed = self.rand.choice(self.held)
        args, options = self.result(claimed)
        if self.rand.random() < 0.1:
            self.committer.commit(*args, **options)
        self.count("commit " + self.committer.commit(*args, **options)[0])
        if self.rand.random() < 0.7:
            self.held.remove(claimed)  # else: it wakes up once more, much later

    def hold(self):
        if not self.held:
            return
        uid, client, fence, _ = self.rand.choice(self.held)
        if self.rand.random() < 0.5:
            self.store.renew(uid, fence)
        else:
            self.count("release %d" % self.store.release(uid, client, fence))

    def crash(self):
        """Its lease runs out; what it holds stays in `held`, since it may come back."""
        running = self.store.redis.zrange(self.store.key("run"), 0, -1)
        if running:
            uid = self.rand.choice(running)
            self.store.redis.zadd(self.store.key("run"), {uid: 1})
            self.count("reap " + self.store.reap_found(uid.decode(), crash_wait_ms=0))

    def step(self):
        actions = [self.push] * 4 + [self.take] * 3 + [self.take_over] + [self.settle] * 5 + [
            self.claim] * 6 + [self.commit] * 7 + [self.hold] + [self.crash]
        self.rand.choice(actions)()

    def drain(self):
        """Everybody is well again and finishes what there is."""
        while self.store.redis.xlen(self.store.key("jobs")):
            self.take()
            self.take_over()
            while self.taken:
                self.settle()
        self.held = []
        for _ in range(20):
            for uid in self.store.redis.zrange(self.store.key("run"), 0, -1):
                self.store.redis.zadd(self.store.key("run"), {uid: 1})
                self.store.reap_found(uid.decode(), crash_wait_ms=0)
            self.claim()
            while self.held:
                self.commit()


def run_history(store, committer, seed, steps=4000, every=400):
    history = History(store, committer, seed)
    for n in range(steps):
        history.step()
        if n % every == every - 1:
            found = checker.check(store.redis, **LIMITS)
            if found:
                return history, found
    history.drain()
    return history, checker.check(store.redis, rest=True, sent=history.sent, **LIMITS)


def seeds(count):
    first = int(os.environ.get("SV_SEED", random.randrange(2 ** 31)))
    return [first + n for n in range(count)]


@pytest.mark.parametrize("seed", seeds(4))
def test_nothing_is_lost_or_doubled(store, seed):
    print("seed", seed)
    history, found = run_history(store, store, seed)
    print(sorted(history.answers.items()))
    assert found == []
    for needed in ("commit COMMITTED", "commit FENCED", "commit ALREADY", "admit COALESCED",
                   "admit DUPLICATE", "admit COOLDOWN", "admit DOMAIN_LIMIT", "reap REAPED"):
        assert history.answers.get(needed), "%s never happened" % needed
    assert not history.answers.get("commit CONFLICT")


def test_the_checker_finds_a_missing_fence_check(store, server):
    store.broken_on_purpose = True
    broken = sv_scripts.Scripts(server, unfenced=True)
    seed = seeds(1)[0]
    print("seed", seed)
    history, found = run_history(store, broken, seed)
    print(sorted(history.answers.items()))
    assert found
