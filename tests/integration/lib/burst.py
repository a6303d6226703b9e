"""Everything due in the same second, and one large client beside a small one: the loads of F53 and T10, for the test and for the
bench."""
import json
import pathlib
import time

from planted import plant
from redis_variant import first
from sandbox import ACCESS_KEY, wait_for
from world import World

PER_ACCOUNT = 10_000  # SES's quota of identities
REGIONS = ("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
           "ap-south-1", "ca-central-1")
NAMES_PER_CALL = 1000
PER_CLIENT = 10
SETTINGS = {
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000000", "SESVERIFY_SCHEDULE_VERIFIED_EVERY": "24h",
    "SESVERIFY_SCHEDULE_FIRST_LOOK": "10ms", "SESVERIFY_SCHEDULE_CONFIRM_AFTER": "1h", "SESVERIFY_SCHEDULE_FLOOR": "1h",
    "SESVERIFY_SCHEDULE_CAP": "2h", "SESVERIFY_SCHEDULE_SES_FLOOR": "6h", "SESVERIFY_SCHEDULE_PATIENCE": "72h",
    "SESVERIFY_SCHEDULE_SWEEP_EVERY": "0s", "SESVERIFY_DNS_AUTHORITY_RATE": "1000", "SESVERIFY_LOG_LEVEL": "debug",
}
FAIR_SETTINGS = {**SETTINGS, "SESVERIFY_ACCOUNT_DEFAULT_RATE": "1"}


def now_ms(world):
    seconds, micros = world.redis.time()
    return seconds * 1000 + micros // 1000


def memory_kb(pid, what):
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(what)).split()[1])


def worst_excess(arrivals, allowance, rate):
    """The most calls above `allowance + rate x T` in any window that begins and ends with a call (ms). As the window grows by
    one call, so does its excess by 1 - rate x the gap: the worst sum of such steps in a row."""
    worst, run, before = 1.0 - allowance, 0.0, None
    for at in sorted(arrivals):
        run = 1 if before is None else 1 + max(0.0, run - rate * (at - before) / 1000)
        worst, before = max(worst, run - allowance), at
    return worst


class Burst:
    """`count` verified domains that are all due now, at most 10,000 to an account, ten to a client; the records of all are
    missing in DNS, so that each look asks DNS in full and then SES. One worker asks a DNS server a thousand questions a second at
    most, which are some 70 looks; all questions go to the one of the sandbox here: with many domains, take several workers."""

    def __init__(self, count, rate=1.0, settings=None, workers=1):
        self.count, self.rate, self.workers_count = count, rate, workers
        self.accounts = [(f"a{i}", REGIONS[i]) for i in range((count + PER_ACCOUNT - 1) // PER_ACCOUNT)]
        self.world = World(settings={**SETTINGS, **(settings or {})}, speed=1, sandbox_args=["--look-every", "10000h"],
                           redis={"small": True}, consistent=False)
        self.names = [f"f{i:06}.example" for i in range(count)]

    def __enter__(self):
        self.world.__enter__()
        self.config = self.world.folder / "accounts.conf"
        sections = [f"[account {name}]\nregion = {region}\nrate = {self.rate}\n" for name, region in self.accounts]
        self.config.write_text("".join(sections))
        for i, (_, region) in enumerate(self.accounts):
            mine = self.names[i * PER_ACCOUNT:(i + 1) * PER_ACCOUNT]
            for first in range(0, len(mine), NAMES_PER_CALL):
                self.world.sandbox.control.post(f"/identities?account={ACCESS_KEY}&region={region}", {
                    "names": mine[first:first + NAMES_PER_CALL], "create": True, "signing": True, "identity": "Success",
                    "dkim": "Success", "pin": True})
        return self

    def __exit__(self, *exc):
        self.world.__exit__(*exc)

    def _records(self):
        """The domains as a worker leaves verified ones, with SES's own tokens."""
        account = {region: name for name, region in self.accounts}
        age_ms = now_ms(self.world) - 86_400_000
        return {one["name"]: {
            "st": "verified", "seq": 2, "f": 2, "cf": 2, "ver": 1, "acct": account[one["region"]], "z": one["zone"], "b": 4,
            "i": 4, "dk": 4, "mf": 1, "sg": 2, "sp": 2, "dm": 2, "bu": 2, "co": 1, "ss": age_ms, "ls": age_ms, "rg": age_ms,
            "sa": age_ms, "rv": "ooooo", **{f"k{n}": token for n, token in enumerate(one["tokens"], 1)}}
            for one in self.world.sandbox.control.get("/state")["identities"]}

    def plant_all(self):
        """All of them, due a second ago, and SES keeps its rate from now on."""
        world, records = self.world, self._records()
        self.due_ms = now_ms(world) - 1000
        plant(first(world.redis_server).path, self.count, lambda i: self.due_ms + i % 1000, fields=lambda i: records[self.names[i]],
              client_of=lambda i: f"c{i // PER_CLIENT}", domain_of=lambda i: self.names[i])
        world.sandbox.control.post("/rate", {"rate": self.rate})
        world.sandbox.control.delete("/calls")

    def publish_all(self):
        """The records of all of them are in DNS, with TTLs so long that answers are kept as long as there is room."""
        def lines(name, record):
            keys = [f"{record[f'k{n}']}._domainkey.{name}. 3600 CNAME {record[f'k{n}']}.{record['z']}." for n in (1, 2, 3)]
            return [*keys, f'{name}. 3600 TXT "v=spf1 include:amazonses.com ~all"', f'_dmarc.{name}. 3600 TXT "v=DMARC1; p=reject"']
        self.world.publish_many({name: lines(name, record) for name, record in self._records().items()})

    def start(self):
        self.progress = []
        self.workers = [self.world.start_worker(args=("--config", self.config)) for _ in range(self.workers_count)]
        self.worker = self.workers[0]
        self.idle_kb = memory_kb(self.worker.pid, "VmRSS")

    def look_at_all(self, deadline_s):
        """Plants them, starts a worker and waits until each was looked at."""
        self.plant_all()
        started = time.monotonic()
        self.start()
        wait_for(self.all_looked_at, f"{self.count} domains to be looked at", deadline_s)
        self.took_s = time.monotonic() - started
        self.peak_kb = max(memory_kb(worker.pid, "VmHWM") for worker in self.workers)

    def all_looked_at(self):
        """Asked about once a second; keeps how many there were by then."""
        time.sleep(1)
        running, due = self.world.redis.zcard("sv:{0}:run"), self._dues()
        looked_at = sum(1 for at in due if at > self.due_ms + 1000)
        self.progress.append((time.monotonic(), looked_at))
        return running == 0 and looked_at == self.count

    def _dues(self):
        pipe = self.world.redis.pipeline(transaction=False)
        for client in range((self.count + PER_CLIENT - 1) // PER_CLIENT):
            pipe.zrange(f"sv:{{0}}:due:lo:c{client}", 0, -1, withscores=True)
        return [at for members in pipe.execute() for _, at in members]

    def calls(self):
        """Arrival times in ms by region and action."""
        arrivals = {}
        for one in self.world.sandbox.control.get("/calls?entries=1")["entries"]:
            arrivals.setdefault((one["region"], one["action"]), []).append(one["at_ms"])
        return arrivals

    def permits(self):
        """(times in ms by account and action, when the limiter gave its permits by the clock of Redis; how many came late)"""
        given, late = {}, 0
        for worker in self.workers:
            for line in worker.text().splitlines():
                late += '"event":"ses_permit_late"' in line
                if '"event":"ses_permit"' in line:
                    one = json.loads(line)
                    given.setdefault((one["account"], one["operation"]), []).append(one["granted_us"] / 1000)
        return given, late

    def excess(self):
        """By how much permits exceed 1 + rate x T, and arrivals 2 + rate x T, in their worst windows; below 0 where all windows
        are within it."""
        return (max(worst_excess(times, 1, self.rate) for times in self.permits()[0].values()),
                max(worst_excess(times, 2, self.rate) for times in self.calls().values()))

    def report(self):
        calls, progress = self.calls(), self.progress
        paces = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(progress, progress[1:])]
        permits, arrivals = self.excess()
        minutes = {}
        for at in self._dues():
            minutes[at // 60_000] = minutes.get(at // 60_000, 0) + 1
        return (f"{self.count} domains in {len(self.accounts)} accounts due in one second, {self.workers_count} workers: "
                f"all looked at after {self.took_s:.0f} s, {max(paces, default=0):.0f} a second at most; "
                f"{sum(map(len, calls.values()))} calls of SES, worst window of permits {permits:+.2f} to 1 + rate x T, "
                f"of arrivals {arrivals:+.2f} to 2 + rate x T; {self.permits()[1]} permits came late; a worker {self.idle_kb / 1024:.1f} MiB idle, peak {self.peak_kb / 1024:.1f}; "
                f"the next looks fall into {len(minutes)} minutes, {max(minutes.values())} into the fullest")


def _ask_first(world, client, domain):
    """Milliseconds from the job's entry to the first DNS question about the domain."""
    control = world.sandbox.control
    before_ms = control.get("/calls")["now_ms"]
    world.push("register", client, domain)
    world.wait_event("updated", domain)
    asked = [one["at_ms"] for one in control.get("/dns-queries")["queries"] if one["name"].lower().rstrip(".").endswith(domain)]
    return min(asked) - before_ms


def first_check(world, count):
    """A small client's first check alone, and beside a client of whom `count` domains are due: both in ms."""
    world.start_worker()
    alone_ms = _ask_first(world, "small", "alone.example")
    due_ms = now_ms(world)
    plant(first(world.redis_server).path, count, lambda i: due_ms, client_of=lambda i: "large")
    wait_for(lambda: world.redis.zcard("sv:{0}:run") > 100, "the worker to be busy")
    beside_ms = _ask_first(world, "small", "beside.example")
    assert world.redis.zcount("sv:{0}:due:lo:large", 0, due_ms) > 0, "the large client was done before: nothing is proven"
    return alone_ms, beside_ms
