"""Stopping a worker at every point of a job (F46), and freezing one beyond its lease (F41)."""
import hashlib
import json
import os
import signal
import statistics
import time

from fault_proxy import RedisProxy
from sandbox import wait_for
from world import DEADLINE_S, World

POINTS = 50
DRAIN_S = 5
SETTINGS = {
    "SESVERIFY_WORKER_DRAIN_TIMEOUT": f"{DRAIN_S}s",
    "SESVERIFY_WORKER_RECLAIM": "1s",
    "SESVERIFY_SCHEDULE_FIRST_LOOK": "50ms",
    "SESVERIFY_SCHEDULE_FLOOR": "50ms",
    "SESVERIFY_SCHEDULE_CAP": "100ms",
    "SESVERIFY_SCHEDULE_VERIFIED_EVERY": "100ms",
    "SESVERIFY_ACCOUNT_DEFAULT_RATE": "200",
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
    "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "1000000",
}


class Trigger:
    """Sends SIGTERM to the worker just before its command number `point` about the domain goes on to Redis."""

    def __init__(self, proxy, domain, point):
        self.proxy, self.domain, self.left = proxy, domain.encode(), point
        self.uid = b"?"  # learned from the first command that names both
        self.pid = 0
        self.at = 0.0
        self.commands = []  # (when, words), from the signal on
        self.where = "?"
        proxy.replace = self.see

    def concerns(self, words):
        text = b" ".join(words)
        return self.domain in text or self.uid in text

    def see(self, words):
        if self.at:
            self.commands.append((time.monotonic(), words))
        elif self.concerns(words):
            self.left -= 1
            if self.left == 0:
                self.at = time.monotonic()
                os.kill(self.pid, signal.SIGTERM)
        return None


def uid_of(client, domain):
    return hashlib.sha256(b"default\0" + client.encode() + b"\0" + domain.encode()).hexdigest()[:16]


def takes(words):
    """A read of the inbox, or a look at what is due."""
    return words[0] in (b"XREADGROUP", b"XAUTOCLAIM") or (words[0] == b"ZRANGE" and b":ring" in words[1])


def stop_at(world, proxy, point):
    """One worker, stopped at that point of the life of a domain of its own. What it did after the signal."""
    domain, client = f"d{point}.example", f"c{point % 7}"
    trigger = Trigger(proxy, domain, point)
    trigger.uid = uid_of(client, domain).encode()
    worker = world.start_worker(**proxy.environment())
    trigger.pid = worker.pid
    entries = [world.push("register", client, domain, id=f"r{point}")]
    published = False
    while not trigger.at:
        assert worker.alive(), worker.text()[-2000:]
        if not published and world.domain_events(domain):
            world.publish(domain, world.domain_events(domain)[0]["data"]["dns_records"])
            published = True
        if published and len(entries) < point:
            entries.append(world.push("recheck", client, domain))
        time.sleep(0.01)  # between two looks at the events
    code = worker.process.wait(DEADLINE_S)
    took = time.monotonic() - trigger.at
    assert code == 0, (point, code, worker.text()[-2000:])
    late = [at - trigger.at for at, words in trigger.commands if takes(words)]
    return entries, took, max(late, default=0.0)


def test_F46_slow_sigterm_at_each_of_50_points_of_a_job():
    """Exit 0, nothing lost, nothing that a lease or a takeover had to bring back, no attempt counted for what was handed
    back, in time; and nothing new is taken once the worker has heard of it."""
    with World(settings=SETTINGS, redis={"small": True}) as world, RedisProxy(world.redis_server) as proxy:
        entries, tooks, lates = [], [], []
        for point in range(1, POINTS + 1):
            pushed, took, late = stop_at(world, proxy, point)
            entries += pushed
            tooks.append(took)
            lates.append(late)
        print(f"{POINTS} points: a drain took {statistics.median(tooks):.2f} s, at most {max(tooks):.2f} s; "
              f"the last taking {statistics.median(lates) * 1000:.0f} ms after the signal, at most {max(lates) * 1000:.0f} ms")
        assert max(tooks) <= DRAIN_S + 2
        assert statistics.median(lates) <= 0.1
        assert world.redis.zcard("sv:{0}:run") == 0
        proxy.replace = None
        world.start_worker()
        for entry in entries:
            assert world.wait_answer(entry)["data"]["outcome"] in ("done", "coalesced")
        answers = [e["id"] for e in world.events() if e["type"] == "io.sesverify.job.finished.v1"]
        assert len(answers) == len(set(answers)) == len(entries)
        counters = {k.decode(): int(v) for k, v in world.redis.hgetall("sv:{0}:n").items()}
        print(f"{len(entries)} jobs answered once each; counters {counters}")
        assert not counters.get("reaped") and not counters.get("stale")  # handed back, not left behind
        assert world.workers[-1].stop() == 0


def test_F46_slow_a_program_that_never_answers_does_not_hold_up_a_drain(tmp_path):
    """It ignores SIGTERM, and may take five minutes for an answer. Its event is open then."""
    program, file, pid = tmp_path / "take", tmp_path / "sinks.conf", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\ntrap '' TERM\nread -r event\necho $$ >{pid}\nwhile :; do sleep 1; done\n")
    program.chmod(0o755)
    file.write_text(f"[sink pipe]\nkind = exec\ncommand = {program}\ntimeout = 5m\n")
    with World(settings={"SESVERIFY_WORKER_DRAIN_TIMEOUT": "1s"}) as world:
        worker = world.start_worker(args=["--config", file])
        world.wait_answer(world.push("register", "c1", "a.example"))
        wait_for(lambda: pid.exists() and pid.read_text().strip(), "the program to have the event", DEADLINE_S)
        begun = time.monotonic()
        assert worker.stop() == 0, worker.text()[-2000:]
        print(f"a drain of 1 s took {time.monotonic() - begun:.2f} s")
        assert not os.path.exists(f"/proc/{pid.read_text().strip()}")
        told = json.loads(world.command("sinks", "list", "--json", "--config", file).stdout)
        assert told["open"] >= 1 and told["dead"] == 0, told


def test_F41_a_worker_that_was_frozen_settles_nothing_of_what_others_took():
    """Stopped for three leases in the middle of a look (SES does not answer it), then continued."""
    with World(settings={"SESVERIFY_WORKER_LEASE": "1s", "SESVERIFY_WORKER_HEARTBEAT": "1s"}) as world:
        frozen = world.start_worker()
        world.sandbox.fault("hang", action="CreateEmailIdentity", ms=-1, count=1)
        entry = world.push("register", "c1", "a.example")
        wait_for(lambda: world.sandbox.calls("CreateEmailIdentity")["count"] == 1, "SES to be asked", DEADLINE_S)
        frozen.signal(signal.SIGSTOP)
        other = world.start_worker()
        registered = world.wait_event("registered", "a.example")
        assert world.wait_answer(entry)["data"]["outcome"] == "done"
        world.publish("a.example", registered["data"]["dns_records"])
        world.wait_event("verified", "a.example")
        asked = world.sandbox.calls("CreateEmailIdentity")["count"]
        frozen.signal(signal.SIGCONT)
        wait_for(lambda: '"event":"lease_lost"' in frozen.text() or '"event":"commit_fenced"' in frozen.text(),
                 "the frozen worker to hear of it", DEADLINE_S)
        assert world.sandbox.calls("CreateEmailIdentity")["count"] == asked
        committed = [line for line in frozen.text().splitlines() if '"event":"domain_' in line]
        assert committed == [], committed
        assert frozen.stop() == 0
        assert other.alive()
