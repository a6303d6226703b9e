"""F44: memory ends at one place after the other, and each time the program says so or does what it was asked for all the same.

    no_memory.py commands [--every] [--step N] [--first N] [--count N]
    no_memory.py lives [--every] [--outward] [--lives N] [--first N] [--count N]

What fails is one allocation (fail_alloc.c): the first one of each place, a place being who called whom for it, or with --every
each single one, from the first until nothing failed any more. `commands` does that to every command of the program but `run` and
`demo`; `lives` to a worker in the middle of a whole life of a domain (end_at.py), which another worker takes over: as many lives
as asked for, spread evenly over the places, or one for each of them where there are no more places than that. With --outward the
worker tells a webhook, which has to hear of everything, and is asked for its pages all the time.

Allowed is: the end with 71 and a word about memory; an error that a library made of it, with its reason; or everything as usual.
Not allowed is a crash, a hang, an exit code of "all is well" without the deed, an output that is short of something, a lost job.
Prints what was tried and how it ended.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import functools
import http.client
import itertools
import json
import os
import pathlib
import queue
import re
import select
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import end_at  # noqa: E402
from receiver import Receiver  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import DEADLINE_S, World, address, worker_program  # noqa: E402

OUT_OF_MEMORY = 71
NEVER = 1 << 40
LONGEST_S = 4 * DEADLINE_S  # then it hangs
WELL = (0, 1, 75)  # a check may find something wrong, or nothing out
LETTER = {"reason": "malformed", "error": "no JSON", "payload": "{", "at": "1"}


def failing(number, mark, every=False):
    """The environment in which the place (with `every`, the allocation) of that number fails."""
    library = pathlib.Path(worker_program("libsv_fail_alloc.so"))
    assert library.exists(), f"{library} is missing"
    return {"LD_PRELOAD": str(library), "SV_TEST_FAIL_ALLOC" if every else "SV_TEST_FAIL_PLACE": str(number),
            "SV_TEST_FAIL_ALLOC_FILE": str(mark), "SV_TEST_FAIL_COUNT_FILE": f"{mark}.count"}


def counted(mark, every):
    """How many places or allocations there were."""
    return int(pathlib.Path(f"{mark}.count").read_text().split()[every])


# --- what commands do, and what has to be there afterwards ---

def queued(redis, number):
    return any(f'"e{number}"'.encode() in fields[b"job"] for _, fields in redis.xrevrange("sv:{0}:jobs", count=50))


def lay_letter(redis, number):
    redis.hset(f"sv:{{0}}:dead:{number}-0", mapping=LETTER)
    redis.zadd("sv:{0}:dead", {f"{number}-0": 1})


def letter_gone(redis, number):
    return redis.zscore("sv:{0}:dead", f"{number}-0") is None and not redis.exists(f"sv:{{0}}:dead:{number}-0")


def hold(redis, number):
    redis.hset("sv:{pause}", f"client n{number}", "1\nsomebody\n")


def is_held(redis, number):
    return redis.hexists("sv:{pause}", f"client n{number}")


def is_let_go(redis, number):
    return not is_held(redis, number)


def take_all_events(redis, _number):
    redis.xgroup_setid("sv:{0}:events", "sink:out", "$")
    for key in redis.scan_iter("sv:{w}:*"):  # who is dead, but beat a moment ago
        redis.delete(key)


def switch_off(redis, _number):
    redis.hset("sv:{0}:sink:out", mapping={"off": "1", "why": "410"})


def is_on(redis, _number):
    return redis.hget("sv:{0}:sink:out", "off") is None


class Deed:
    """A command. `{n}` in its words is the number of the try, `before` makes what it needs, and `done` is what has to be true once it
    says that all went well; `alike` = what it prints is always the same, but for numbers; `alone` = one at a time: what one
    does the other would meet."""

    def __init__(self, words, before=None, done=None, alike=True, configured=True, alone=False):
        self.words, self.before, self.done, self.alike = words.split(), before, done, alike
        self.configured, self.alone = configured, alone
        self.name = re.sub(r"{(\w+)}", lambda match: match[1].upper(), words)


DEEDS = (
    Deed("check a.example --region eu-west-1 --mail-from bounce", alike=False),
    Deed("completion bash", configured=False),
    Deed("config check"),
    Deed("config defaults", configured=False),
    Deed("config show"),
    Deed("dead drop {n}-0 --yes", lay_letter, letter_gone),
    Deed("dead list"),
    Deed("dead retry {n}-0 --yes", lay_letter, letter_gone),
    Deed("dead show {letter}"),
    Deed("doctor"),
    Deed("enqueue recheck --client c --domain a.example --id e{n}", done=queued),
    Deed("events tail --from 0 --no-follow"),
    Deed("explain a.example"),
    Deed("health --port {port}", alike=False),
    Deed("import --client imported --dry-run"),
    Deed("pause"),
    Deed("pause --client n{n}", done=is_held),
    Deed("records a.example --client c"),
    Deed("resume --client n{n}", hold, is_let_go),
    Deed("sinks dead out"),
    Deed("sinks enable out", switch_off, is_on, alone=True),
    Deed("sinks list"),
    Deed("sinks replay out --from 0 --yes"),
    Deed("stats --port 127.0.0.1:1"),
    Deed("status"),
    Deed("status a.example --json"),
    Deed("top --once --port {port}", alike=False),
    Deed("reshard 2 --dry-run", take_all_events, alone=True),  # the last one: it wants that nobody has anything left to read
)


class Served:
    """One command that was linked once, and goes on into main() anew for each try (fail_alloc.c)."""

    def __init__(self, words, environment, mark):
        self.mark = mark
        self.process = subprocess.Popen(words, env={**environment, "SV_TEST_FAIL_SERVE": "1"}, bufsize=0, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def run(self, number):
        """(its end, whether it came as far as that)"""
        self.process.stdin.write(struct.pack("@L", number))
        if not select.select([self.process.stdout], [], [], LONGEST_S)[0]:
            raise subprocess.TimeoutExpired(self.process.args, LONGEST_S)
        code = os.waitstatus_to_exitcode(*struct.unpack("@i", self.process.stdout.read(4)))
        out, err = (pathlib.Path(f"{self.mark}.{end}").read_text() for end in ("out", "err"))
        return subprocess.CompletedProcess(self.process.args, code, out, err), self.mark.exists()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Trial:
    """One command, and how it ends when memory is there."""

    serials = itertools.count(1)  # what a command makes is made once

    def __init__(self, world, folder, deed, every, at_a_time):
        self.world, self.folder, self.deed, self.every = world, folder, deed, every
        self.ends, self.took = collections.Counter(), []
        self.served, self.idle = [], queue.SimpleQueue()
        if not any("{n}" in word for word in deed.words):
            for _ in range(at_a_time):
                mark = folder / f"{next(self.serials)}"
                self.served.append(Served(self.words(0), {**world.environment(), **failing(NEVER, mark, every)}, mark))
                self.idle.put(self.served[-1])
        self.usual, _, serial = self.once(NEVER)
        self.count = counted(self.folder / str(serial), every)
        assert self.usual.returncode in WELL and self.count > 0, f"{deed.name}: {self.usual.stderr}"

    def close(self):
        for served in self.served:
            served.close()

    def words(self, serial):
        facts = {"{n}": str(serial), "{port}": self.world.port, "{letter}": self.world.letter}
        words = [functools.reduce(lambda text, fact: text.replace(fact, facts[fact]), facts, word) for word in self.deed.words]
        return [worker_program(), *words, *(["--config", self.world.config] if self.deed.configured else [])]

    def run(self, number):
        """(its end, whether it came as far as that, its own number)"""
        if not self.served:
            return self.once(number)
        if self.deed.before is not None:
            self.deed.before(self.world.redis, 0)
        served = self.idle.get()
        end = served.run(number)
        self.idle.put(served)
        return *end, 0

    def once(self, number):
        """The same, from its beginning on."""
        serial = next(self.serials)
        mark = self.folder / str(serial)
        if self.deed.before is not None:
            self.deed.before(self.world.redis, serial)
        done = subprocess.run(self.words(serial), env={**self.world.environment(), **failing(number, mark, self.every)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        return done, mark.exists(), serial

    def fault(self, number):
        """What is wrong with its end; "" = nothing."""
        begin = time.monotonic()
        done, came, serial = self.run(number)
        self.took.append((time.monotonic() - begin, number))
        if not came:
            if done.returncode == self.usual.returncode:
                return ""
            return f"{self.deed.name} at {number}: it went another way: exit {done.returncode}: {done.stderr[-300:]}"
        self.ends[done.returncode] += 1
        wrong = self.judge(done, serial)
        return f"{self.deed.name} at {number}: {wrong}: exit {done.returncode}: {done.stderr[-300:]}" if wrong else ""

    def judge(self, done, serial):
        if done.returncode == OUT_OF_MEMORY:
            return "" if "memory" in done.stderr else "no word of memory"
        if done.returncode < 0 or done.returncode >= 128:
            return "it crashed"
        if done.returncode != self.usual.returncode:
            return "" if done.returncode != 0 and (done.stderr.strip() or done.stdout.strip()) else "no reason"
        if self.deed.done is not None and not self.deed.done(self.world.redis, serial):
            return "all is well, it says, but nothing was done"
        if self.deed.alike and plain(done.stdout) != plain(self.usual.stdout):
            return f"another output:\n{done.stdout}\n"
        return ""


def plain(output):
    """Without what time and the number of the try change."""
    return " ".join(re.sub(r"\d[\d.,:TZ-]*( ?(ms|s|min|h|days?)\b)?|just now", "#", output).split())


@contextlib.contextmanager
def make_world():
    """One domain that was verified, a dead letter, a sink, and a worker that does nothing more but answer."""
    with World(settings={"SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000"}) as world:  # `import` asks SES each time
        world.config = world.folder / "sesverify.conf"
        world.config.write_text("[sink out]\nkind = stdout\n")
        worker = world.start_worker(args=["--config", world.config])
        world.push("register", "c", "a.example", mail_from="bounce")
        world.publish("a.example", world.wait_event("registered", "a.example")["data"]["dns_records"])
        world.wait_event("verified", "a.example")
        world.push_raw("{")
        wait_for(lambda: world.redis.zcard("sv:{0}:dead") == 1, "the dead letter")
        assert worker.stop() == 0
        world.letter = world.redis.zrange("sv:{0}:dead", 0, 0)[0].decode()
        yield world


@contextlib.contextmanager
def somebody_to_ask(world):
    """The status port of a worker that does nothing but answer."""
    worker = world.start_worker(SESVERIFY_REDIS_PREFIX="sv:empty")  # the least user's keys begin with sv:
    world.port = next(json.loads(line) for line in worker.text().splitlines() if '"event":"status_port"' in line)["address"]
    yield
    assert worker.stop() == 0


def count_commands(options):
    """(what was counted, what was wrong)"""
    wrong, failed, there, tried = [], 0, 0, 0
    with make_world() as world, somebody_to_ask(world), tempfile.TemporaryDirectory() as folder:
        for deed in DEEDS[options.first:][:options.count]:
            begin = time.monotonic()
            at_a_time = 1 if deed.alone else options.at_a_time
            trial = Trial(world, pathlib.Path(folder), deed, options.every, at_a_time)
            numbers = range(1 + failed % min(options.step, trial.count), trial.count + 1, options.step)  # other ones of each
            with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool, contextlib.closing(trial):
                faults = [fault for fault in pool.map(trial.fault, numbers) if fault]
            longest_s, at = max(trial.took)
            print(f"{deed.name}: {trial.count} {'allocations' if options.every else 'places'}, tried {len(numbers)}, "
                  f"ended with {dict(trial.ends)}, wrong {len(faults)}, {time.monotonic() - begin:.0f} s, "
                  f"the longest {longest_s:.1f} s at {at}", flush=True)
            failed += sum(trial.ends.values())
            there, tried = there + trial.count, tried + len(numbers)
            wrong += faults
    return {"there": there, "tried": tried, "failed": failed}, wrong


# --- lives of a worker ---

class OutwardLife(end_at.Life):
    """A life of which a webhook hears, and somebody looks at the worker's pages meanwhile."""

    paths = itertools.cycle(("/", "/metrics", "/status", "/domains", "/domains/{}", "/events", "/readyz", "/livez"))
    look_at = 0.0

    def watch(self):
        worker = self.workers[-1]
        if time.monotonic() >= self.look_at and worker.alive() and '"event":"status_port"' in worker.text():
            self.look_at = time.monotonic() + 0.1
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may end at any moment, or say so with a 500
                urllib.request.urlopen(f"http://{address(worker)}{next(self.paths).format(self.domain)}", timeout=5).read()
        super().watch()

    def go_through(self):
        super().go_through()
        self.until("the webhook to hear of everything", lambda _: self.heard() >= {event["id"] for event in self.events()})

    def heard(self):
        return {message.event["id"] for message in list(self.receiver.taken) if message.path == f"/{self.domain}"}

    def tell(self, receiver, folder):
        """Its workers send to this one."""
        self.receiver = receiver
        secret, config = (folder / f"{self.domain}.{end}" for end in ("secret", "conf"))
        secret.touch(0o600)
        secret.write_text("whsec_" + "A" * 44)
        config.write_text(f"[sink hook]\nurl = https://127.0.0.1:{receiver.port}/{self.domain}\nports = {receiver.port}\n"
                          f"secret_file = {secret}\nca_file = {receiver.authority.pem}\nallow_addresses = 127.0.0.1\n"
                          "retries = 0s, 200ms, 400ms, 800ms, 1s, 1s, 1s\n")
        self.args = ("--config", config)


def live_once(world, accounts, folder, number, every, receiver=None):
    """(how the worker ended, None = it never came so far, what was wrong)"""
    mark = folder / f"life{number}"
    kind = end_at.Life if receiver is None else OutwardLife
    life = kind(world, accounts, f"life{number}", failing(number, mark, every), variant="sesverify", exit_code=OUT_OF_MEMORY)
    if receiver is not None:
        life.tell(receiver, folder)
    _, wrong = life.live()
    first = life.workers[0]
    if first.process.returncode == OUT_OF_MEMORY and "memory" not in first.text():
        wrong.append(f"{life.prefix}: no word of memory: {first.text()[-300:]}")
    return first.process.returncode if mark.exists() else None, wrong


def count_lives(options):
    """(what was counted, what was wrong)"""
    settings = {**end_at.SETTINGS, "SESVERIFY_WORKER_SANDBOX": "off"}  # the mark is a file
    keys = [word for i in range(end_at.LIVES_MAX) for word in ("--access-key", f"AKIDLIFE{i}", "--secret-key", "secret")]
    accounts, ends, wrong = queue.SimpleQueue(), collections.Counter(), []
    for i in range(end_at.LIVES_MAX):
        accounts.put(f"AKIDLIFE{i}")
    with World(settings=settings, speed=end_at.SPEED, sandbox_args=["--look-every", "60s", *keys]) as world, \
            tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        receiver = stack.enter_context(Receiver(folder)) if options.outward else None
        wrong += live_once(world, accounts, folder, NEVER, options.every, receiver)[1]
        count = counted(folder / f"life{NEVER}", options.every)
        # No life is like the other, so there may be a few places more than in the one that was counted: beyond those nothing fails.
        step = max(1.0, count / options.lives)
        numbers = [1 + int(i * step) for i in range(options.first, options.lives)[:options.count]]
        with concurrent.futures.ThreadPoolExecutor(2 * options.at_a_time) as pool:
            for end, found in pool.map(lambda number: live_once(world, accounts, folder, number, options.every, receiver), numbers):
                ends[end] += 1
                wrong += found
        print(f"a life: {count} {'allocations' if options.every else 'places'}, tried {len(numbers)}, ended with {dict(ends)}, "
              f"wrong {len(wrong)}", flush=True)
    return {"tried": len(numbers), "failed": len(numbers) - ends[None]}, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("commands", "lives"))
    parser.add_argument("--every", action="store_true", help="each single allocation, not the first of each place")
    parser.add_argument("--outward", action="store_true", help="lives: a webhook hears of all, and somebody looks at the pages")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="commands: every Nth only")
    parser.add_argument("--lives", type=int, default=24, metavar="N", help="lives: so many, spread evenly")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="leave out so many commands or lives")
    parser.add_argument("--count", type=int, default=1_000_000, metavar="N", help="so many commands or lives")
    parser.add_argument("--at-a-time", type=int, default=2, metavar="N")
    options = parser.parse_args()
    counts, wrong = count_commands(options) if options.what == "commands" else count_lives(options)
    print("\n".join(wrong[:20]))
    print("counts", json.dumps(counts))
    return 1 if wrong or (counts["failed"] == 0 and options.first == 0) else 0


if __name__ == "__main__":
    sys.exit(main())
