"""A worker ends between any two commands to Redis: a whole life of a domain goes on as if nothing had been.

    end_at.py [--step N] [--last N] [--at-a-time N]

One life: a domain is registered, verified, at risk, restored, checked again on request and removed. Its worker ends before the
Nth command that it writes to Redis (and in another life after the Nth, before its reply), another worker takes over, and the
life has to be told as always: the same events, numbered without a gap, each job answered once, every invariant kept. N runs
from 1 until a life passes untouched both ways. Many lives go on at once, each with its own prefix in one Redis. Prints N, and
which commands were died at. `--step` takes every Nth only. The release program must hold nothing of this.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import queue
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import doctor  # noqa: E402
from checker import check  # noqa: E402
from sandbox import wait_for  # noqa: E402
from sv_scripts import Scripts  # noqa: E402
from world import World, worker_program, zone_line  # noqa: E402

EXIT_AT_COMMAND = 86
LIFE_S = 120  # generous: many lives share two processors
# SES looks ten times a second, yet its 72 hours last 7 minutes: nothing fails by itself meanwhile.
SPEED = 600
LIVES_MAX = 32  # at a time, each with an SES account of its own: a sweep reads the whole list of one
SETTINGS = {
    "SESVERIFY_WORKER_LEASE": "1s",
    "SESVERIFY_WORKER_RECLAIM": "500ms",
    "SESVERIFY_WORKER_POLL": "500ms",
    "SESVERIFY_WORKER_CRASH_WAIT": "200ms",
    "SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000",
    "SESVERIFY_SCHEDULE_PATIENCE": "72h",
    "SESVERIFY_SCHEDULE_SWEEP_EVERY": "2s",
    "SESVERIFY_SCHEDULE_SWEEP_DOMAINS_MIN": "1",
}
MOVES = [(None, "pending_verification"), ("pending_verification", "verified"), ("verified", "at_risk"), ("at_risk", "verified"),
         ("verified", "removed")]


class Life:
    """One domain from its registration to its removal, with a prefix of its own."""

    lock = threading.Lock()  # of what all lives share: the list of workers, and the standstill that the checker makes
    args = ()  # of the workers

    def __init__(self, world, accounts, name, ends, variant="sesverify-crash", exit_code=EXIT_AT_COMMAND):
        self.world, self.accounts, self.account = world, accounts, None
        self.prefix, self.domain = f"sv:{name}", f"{name}.example"  # the least user's keys begin with sv:
        self.ends, self.variant, self.exit_code = ends, variant, exit_code
        self.workers, self.records = [], None

    def start(self, variant, **settings):
        with self.lock:
            self.workers.append(self.world.start_worker(
                wait=False, args=self.args, variant=variant, SESVERIFY_REDIS_PREFIX=self.prefix, AWS_ACCESS_KEY_ID=self.account,
                AWS_SECRET_ACCESS_KEY="secret", **settings))

    def watch(self):
        """The doomed worker's place is taken when it has ended; any other end is a fault."""
        worker = self.workers[-1]
        if worker.alive():
            return
        assert len(self.workers) == 1 and worker.process.returncode == self.exit_code, \
            f"{self.prefix}: a worker ended with {worker.process.returncode}: {worker.text()[-1500:]}"
        self.start("sesverify")

    def events(self):
        entries = self.world.redis.xrange(f"{self.prefix}:{{0}}:events")
        return [json.loads(fields[b"event"]) for _, fields in entries]

    def push(self, kind, **fields):
        job = {"type": kind, "client_id": "c", "domain": self.domain, "id": kind, **fields}
        self.world.redis.xadd(f"{self.prefix}:{{0}}:jobs", {"job": json.dumps(job)})

    def until(self, what, condition):
        def done():
            self.watch()
            return next((event for event in self.events() if condition(event)), None)
        try:
            return wait_for(done, f"{self.prefix}: {what}", LIFE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}\n{self.kept()}\n{self.workers[-1].text()[-1500:]}") from None

    def kept(self):
        """What Redis and the stand-ins say of a life that stopped."""
        redis, tag = self.world.redis, f"{self.prefix}:{{0}}:"
        return {"now": redis.time(), "run": redis.zrange(tag + "run", 0, -1, withscores=True),
                "ring": redis.zrange(tag + "ring", 0, -1, withscores=True),
                "domains": [redis.hgetall(key) for key in redis.scan_iter(tag + "d:*")],
                "sandbox": self.world.sandbox.process.poll(), "worker": self.workers[-1].process.poll()}

    def until_status(self, status, after=0):
        return self.until(status, lambda e: e["data"].get("to") == status != e["data"].get("from") and
                          int(e.get("sequence", 0)) > after)

    def until_answer(self, job):
        return self.until(f"the answer to {job}", lambda e: e["data"].get("job_id") == job and "outcome" in e["data"])

    def live(self):
        """(the words of the command at which a worker ended, or None, what was wrong)"""
        self.account = self.accounts.get()
        try:
            self.go_through()
            return self.end()
        finally:
            self.accounts.put(self.account)

    def go_through(self):
        zone = self.world.sandbox
        zone.add_zone(self.domain, minimum_s=1)  # before anybody asks: what is absent in the zone above is so for a quarter of an hour
        self.start(self.variant, **self.ends)
        self.push("register")
        lines = [zone_line(r) for r in self.until_status("pending_verification")["data"]["dns_records"]]
        zone.zone_add(*lines)
        verified = self.until_status("verified")
        zone.zone_remove(lines[0])
        self.until_status("at_risk")
        zone.zone_add(lines[0])
        self.until_status("verified", after=int(verified["sequence"]))
        self.push("recheck")
        self.until_answer("recheck")
        self.push("remove", delete_identity=True)
        self.until_status("removed")
        self.until_answer("remove")

    def end(self):
        first = self.workers[0]
        if first.alive():
            first.process.send_signal(15)
        code = first.process.wait(LIFE_S)
        if code == self.exit_code and len(self.workers) == 1:  # on its way out, which had work for nobody
            self.start("sesverify")
        wrong = [] if code in (0, self.exit_code) else [f"the worker ended with {code}"]
        if len(self.workers) > 1:
            wait_for(self.workers[-1].ready, "the next worker to be ready", LIFE_S)
            code_of_next = self.workers[-1].stop()
            wrong += [f"the next worker ended with {code_of_next}"] if code_of_next else []
        wrong += self.judge()
        died = re.search(r"ends (?:before|after) command \d+: (.*)", first.text())
        with self.lock:
            for worker in self.workers:
                self.world.workers.remove(worker)
        return (died.group(1) if died else None), [f"{self.prefix}: {one}" for one in wrong]

    def judge(self):
        events = self.events()
        moves = [(e["data"]["from"], e["data"]["to"]) for e in events if ".domain." in e["type"] and e["data"]["from"] != e["data"]["to"]]
        numbers = [int(e["sequence"]) for e in events if ".domain." in e["type"]]
        answers = [(e["data"]["job_id"], e["data"]["outcome"]) for e in events if e["type"].endswith("finished.v1")]
        wrong = [] if moves == MOVES else [f"moves {moves}"]
        wrong += [] if numbers == list(range(1, len(numbers) + 1)) else [f"numbers {numbers}"]
        # One that came while the domain was looked at is coalesced with what follows that look.
        well = [job for job, outcome in answers if outcome == "done" or (outcome == "coalesced" and job != "register")]
        wrong += [] if sorted(well) == ["recheck", "register", "remove"] and len(answers) == 3 else [f"answers {answers}"]
        name = self.world.redis.hget(f"{self.prefix}:{{o:{self.domain}}}", f"{self.domain} default") or b""
        if name.startswith(b"held"):  # a mere claim is in nobody's way after an hour
            wrong.append("the removed name is still held")
        with self.lock:
            wrong += check(self.world.redis, prefix=self.prefix, rest=True)
        return wrong + doctor.complaints(self.world, prefix=self.prefix)

    def story(self):
        return [(e["type"].split(".")[2:4], e.get("sequence"), e["data"].get("from"), e["data"].get("to"),
                 e["data"].get("outcome")) for e in self.events()]


def names_of_scripts(redis):
    return {sha: name for name, sha in Scripts(redis).shas.items()}


def deaths_by_command(redis, deaths):
    """How often a worker ended at each kind of command."""
    names = names_of_scripts(redis)
    counts = collections.Counter()
    for words in deaths:
        first, _, second = words.partition(" ")
        counts[names.get(second, "script") if first == "EVALSHA" else words if first in ("SCRIPT", "CLIENT") else first] += 1
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def release_is_clean():
    """The program that people get knows nothing of the mode."""
    marks = (b"SV_TEST_END_BEFORE", b"SV_TEST_END_AFTER")
    clean = not any(mark in pathlib.Path(worker_program()).read_bytes() for mark in marks)
    there = all(mark in pathlib.Path(worker_program("sesverify-crash")).read_bytes() for mark in marks)
    return [] if clean and there else ["sesverify holds the mode, or sesverify-crash does not"]


def live_all(world, step, at_a_time, last):
    """(numbers of the lives that passed untouched, commands died at, what was wrong)"""
    untouched, deaths, wrong = {}, [], []
    number, accounts = {"before": 1, "after": 1}, queue.SimpleQueue()
    for i in range(LIVES_MAX):
        accounts.put(f"AKIDLIFE{i}")
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        running = {}
        while running or (len(untouched) < 2 and not wrong):
            for how in ("before", "after"):
                while how not in untouched and not wrong and len(running) < at_a_time and number[how] <= last and \
                        sum(one[0] == how for one in running.values()) <= at_a_time // 2:
                    ends = {"SV_TEST_END_BEFORE" if how == "before" else "SV_TEST_END_AFTER": str(number[how])}
                    running[pool.submit(Life(world, accounts, f"{how}{number[how]}", ends).live)] = (how, number[how])
                    number[how] += step
            if not running:
                break
            for future in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                how, passed = running.pop(future)
                died, found = future.result()
                if passed % 20 == 1 or found:
                    print(f"{how} {passed}: {died or 'untouched'}; {'; '.join(found) or 'as always'}", flush=True)
                wrong += found
                if died is None:
                    untouched[how] = min(passed, untouched.get(how, passed))
                else:
                    deaths.append(died)
    return untouched, deaths, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=1, help="every how many commands a life ends")
    parser.add_argument("--last", type=int, default=100_000, help="the last command to end at")
    parser.add_argument("--at-a-time", type=int, default=16, choices=range(2, LIVES_MAX + 1), metavar="N", help="lives at a time")
    args = parser.parse_args()
    begin = time.monotonic()
    keys = [word for i in range(LIVES_MAX) for word in ("--access-key", f"AKIDLIFE{i}", "--secret-key", "secret")]
    with World(settings=SETTINGS, speed=SPEED, sandbox_args=["--look-every", "60s", *keys]) as world:
        untouched, deaths, wrong = live_all(world, args.step, args.at_a_time, args.last)
        print(f"{len(deaths)} lives went on after a worker's end at a command; untouched at {untouched}; "
              f"wrong {len(wrong)}; {time.monotonic() - begin:.0f} s")
        print(f"died at: {deaths_by_command(world.redis, deaths)}")
    wrong += release_is_clean()
    print("\n".join(wrong[:20]))
    return 1 if wrong or len(untouched) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
