"""What the tests of bad days share: reading a worker's log, load, and the proof that nothing moved."""
import json
import os
import pathlib
import subprocess
import tempfile
import time

from sandbox import wait_for
from world import DEADLINE_S, zone_line

# SES looks ten times a second, yet its 72 hours last 7 minutes: nothing fails by itself meanwhile.
STEADY = {"speed": 600, "sandbox_args": ["--look-every", "60s"]}
QUICK = {"SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000", "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
         "SESVERIFY_SCHEDULE_PATIENCE": "72h"}


def logged(worker, event, **fields):
    """The worker's log lines of that event, whose fields have (or contain) these values."""
    found = []
    for text in worker.text().splitlines():
        if f'"event":"{event}"' not in text:
            continue
        try:
            line = json.loads(text)
        except ValueError:  # being written
            continue
        if all(str(value) in str(line.get(key)) for key, value in fields.items()):
            found.append(line)
    return found


def wait_logged(worker, event, count=1, deadline_s=DEADLINE_S, **fields):
    try:
        return wait_for(lambda: len(logged(worker, event, **fields)) >= count and logged(worker, event, **fields),
                        f"{count} log lines {event} {fields}", deadline_s)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{worker.text()[-3000:]}") from None


def _withheld_s(pid):
    """How long the kernel has kept a process waiting for a processor; None when it is gone (proc(5), schedstat)."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return None


class Stopwatch:
    """Time that goes by for a program, which is what a promise is about: what a busy machine withheld from the processes that
    have to act one after the other is left out. `read` tells; while a process may end, look often."""

    def __init__(self, *pids):
        self.first = {pid: _withheld_s(pid) or 0 for pid in pids}
        self.last = dict(self.first)
        self.begin = time.monotonic()

    def read(self):
        passed = time.monotonic() - self.begin
        self.last.update({pid: now for pid in self.first if (now := _withheld_s(pid)) is not None})
        return passed - sum(self.last[pid] - self.first[pid] for pid in self.first)

    def until_end(self, process):
        """Waits for the end of a process; its exit code, and how long it took."""
        last = [self.read()]

        def gone():
            last[0] = self.read()
            return process.poll() is not None
        wait_for(gone, f"process {process.pid} to end")
        return process.returncode, last[0]


def run_timed(command, *others, env=None):
    """Runs a program; its CompletedProcess, and how long it took by a Stopwatch over it and the others it waits for."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err) as process:
            try:
                code, seconds = Stopwatch(process.pid, *others).until_end(process)
            finally:
                process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read()), seconds


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, what="VmRSS"):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what + ":")).split()[1])


def measure(seconds, count):
    """How much `count()` grew a second; a window of time is what is measured here, not waited for."""
    first, begin = count(), time.monotonic()
    wait_for(lambda: time.monotonic() - begin >= seconds, "the window to pass", seconds + DEADLINE_S)
    return (count() - first) / (time.monotonic() - begin)


def counter(world, name):
    return int(world.redis.hget("sv:{0}:n", name) or 0)


def register(world, domain, client="client-1", **fields):
    """Registered, with its records published; the records."""
    world.push("register", client, domain, **fields)
    records = world.wait_event("registered", domain)["data"]["dns_records"]
    world.publish(domain, records)
    return records


def verify(world, domain, **fields):
    records = register(world, domain, **fields)
    world.wait_event("verified", domain)
    return records


def committed(world):
    """Changes whenever a worker commits: the sum of all committed fences."""
    pipe = world.redis.pipeline(transaction=False)
    for key in world.redis.scan_iter("sv:{0}:d:*", count=1000):
        pipe.hget(key, "cf")
    return sum(int(value or 0) for value in pipe.execute())


def wait_working(world, what):
    """Commits go on; how long that took."""
    first, watch = committed(world), Stopwatch(world.workers[0].pid, *world.redis_server.pids)
    wait_for(lambda: committed(world) > first, f"commits to go on {what}", DEADLINE_S)
    return watch.read()


def running(world):
    """The claimed domains and their fences."""
    uids = [uid.decode() for uid in world.redis.zrange("sv:{0}:run", 0, -1)]
    pipe = world.redis.pipeline(transaction=False)
    for uid in uids:
        pipe.hget(f"sv:{{0}}:d:{uid}", "f")
    return {uid: int(fence or 0) for uid, fence in zip(uids, pipe.execute())}


class Load:
    """Many domains of a few clients. Every job that was sent is remembered."""

    def __init__(self, world, count, prefix="load"):
        self.world = world
        self.names = [f"{prefix}{i:03}.example" for i in range(count)]
        self.sent = 0

    def client_of(self, name):
        return f"c{self.names.index(name) % 7}"

    def push(self, kind, names=None):
        pipe = self.world.redis.pipeline()
        for name in self.names if names is None else names:
            pipe.xadd("sv:{0}:jobs", {"job": json.dumps({"type": kind, "client_id": self.client_of(name), "domain": name})})
        self.sent += len(pipe.execute())

    def publish(self):
        """Publishes the records of every domain that is registered by now; True when all are."""
        lines = {}
        for name in self.names:
            events = self.world.domain_events(name)
            if events:
                lines[name] = [zone_line(r) for r in events[0]["data"]["dns_records"]]
        if any(self.world.lines.get(name) != some for name, some in lines.items()):
            self.world.publish_many(lines)
        return len(lines) == len(self.names)

    def wait_verified(self, deadline_s=DEADLINE_S):
        wait_for(self.publish, "every domain to be registered", deadline_s)
        wait_for(lambda: counter(self.world, "status_verified") >= len(self.names) or None,
                 "every domain to be verified", deadline_s)

    def wait_settled(self):
        """Every job ended, nothing is on its way; then the checker."""
        def settled():
            return counter(self.world, "open") == 0 and self.world.redis.xlen("sv:{0}:jobs") == 0
        wait_for(settled, "every job to be answered")
        assert not self.world.violations(rest=True, sent=self.sent)


def statuses(world, domain):
    """The moves of one domain's status, oldest first."""
    return [e["data"]["to"] for e in world.domain_events(domain) if e["data"]["from"] != e["data"]["to"]]
