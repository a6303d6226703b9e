"""The machine's own faults, through the whole worker: clocks that jump (F40), a full disk (F42), no descriptors left (F43),
no memory left (F44) and little of it (F45). What has to stay true everywhere: no job is lost, and the worker goes on by itself
or leaves its work to another."""
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest

from burst import Burst, memory_kb, worst_excess
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
YEAR_S, DAY_S = 365 * 86400, 86400
RATE = 5.0
MIB = 1 << 20
LONGEST_WAIT_S = 9 * DAY_S  # a week and its spread: a domain that has waited for a year is looked at weekly


def cpu_s(pid):
    """User and system time, fields 14 and 15 of proc(5)'s stat."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def register(world, domain, client="c"):
    """Pushes a job and waits for its answer and for the first look."""
    world.push("register", client, domain)
    world.wait_event("registered", domain)
    return world.wait_event("updated", domain)


# --- F40: clocks ---

class Clock:
    """What a process under libfaketime takes for the time of day; its monotonic clock is the real one."""

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "faketime"
        self.jump(0)

    def jump(self, seconds):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.file)

    def environment(self):
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def all_arrivals(world):
    return [one["arrivals_ms"] for one in world.sandbox.control.get("/calls")["actions"].values()]


@pytest.mark.parametrize("jump_s", (YEAR_S, -2 * DAY_S, 1, 13 * YEAR_S))
def test_F40_the_workers_clock_jumps(tmp_path, jump_s):
    """+1 year, -2 days, a leap second, behind 2038: times that count are those of Redis, so nothing happens but that requests
    are signed with another time until SES has told its own."""
    assert FAKETIME is not None, "the package faketime is missing"
    clock = Clock(tmp_path)
    with World(settings={**clock.environment(), "SESVERIFY_ACCOUNT_DEFAULT_RATE": str(RATE)}) as world:
        worker = world.start_worker()
        register(world, "before.example")
        clock.jump(jump_s)
        world.sandbox.control.delete("/calls")
        register(world, "after.example")
        lines = [json.loads(line) for line in worker.text().splitlines()]
        assert jump_s == 1 or any(abs(int(line["ts"][:4]) - int(lines[0]["ts"][:4])) >= abs(jump_s) // YEAR_S for line in lines)
        seconds = world.redis.time()[0]
        for key in world.redis.scan_iter("sv:{0}:due:*"):
            for _, due_ms in world.redis.zrange(key, 0, -1, withscores=True):
                assert abs(due_ms / 1000 - seconds) < 60, "a due time follows the worker's clock"
        assert max(worst_excess(times, 2, RATE) for times in all_arrivals(world)) <= 0


class ServersClock:
    """What a Redis takes for the time of day (shift_clock.c)."""

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "shift"
        self.jump(0)

    def jump(self, seconds):
        with open(self.file, "r+b" if self.file.exists() else "wb", buffering=0) as out:
            out.write(int(seconds).to_bytes(8, sys.byteorder, signed=True))

    def environment(self):
        library = pathlib.Path(worker_program("libsv_shift_clock.so"))
        assert library.exists(), f"{library} is missing"
        return {"LD_PRELOAD": str(library), "SV_TEST_CLOCK_FILE": str(self.file)}


def dues_ms(world):
    return {uid: due_ms for key in world.redis.scan_iter("sv:{0}:due:*") for uid, due_ms in world.redis.zrange(key, 0, -1, withscores=True)}


@pytest.mark.parametrize("jump_s", (YEAR_S, -2 * DAY_S))
def test_F40_the_clock_of_Redis_jumps(tmp_path, jump_s):
    """+1 year, -2 days: all times that count jump. Calls of SES stay below the limit, leases and beats of the dead do not last for
    days, and what waited is looked at as soon as before."""
    clock = ServersClock(tmp_path)
    server = RedisServer()
    server.process_environment = {**os.environ, **clock.environment()}
    names = [f"d{i:02}.example" for i in range(20)]
    with World(server=server, settings={"SESVERIFY_ACCOUNT_DEFAULT_RATE": str(RATE), "SESVERIFY_WORKER_LEASE": "2s",
                                        "SESVERIFY_WORKER_CRASH_WAIT": "500ms", "SESVERIFY_DOMAINS_UNVERIFIED_RELEASE": "0s"}) as world:
        dead, worker = world.start_worker(), world.start_worker()
        for i, name in enumerate(names):
            world.push("register", f"c{i // 5}", name)
        for name in names:
            world.wait_event("registered", name)
        world.sandbox.control.delete("/calls")
        before = world.redis.time()[0]
        committed = {key: int(world.redis.hget(key, "cf")) for key in world.redis.scan_iter("sv:{0}:d:*")}
        dead.kill()  # its beat and its leases are of the old clock
        clock.jump(jump_s)
        assert abs(world.redis.time()[0] - before - jump_s) < 60
        wait_for(lambda: all(int(world.redis.hget(key, "cf")) > fence for key, fence in committed.items()),
                 "every domain to be looked at", DEADLINE_S)
        wait_for(lambda: max(dues_ms(world).values()) / 1000 - world.redis.time()[0] < LONGEST_WAIT_S, "no due time of the old clock")
        register(world, "after.example")
        assert max(worst_excess(times, 2, RATE) for times in all_arrivals(world)) <= 0
        assert worker.alive()


# --- F42: a full disk ---

def test_F42_the_log_is_on_a_full_disk(tmp_path):
    """Work goes on; the lines that were lost are counted; writing begins again by itself once there is room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with World() as world:
        environment = {**world.environment(), "SESVERIFY_WORKER_NAME": "full"}
        process = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=128k none "$0" && cd "$0" && exec "$@" >log 2>&1',
             str(folder), worker_program(), "run"], env=environment, stdin=subprocess.DEVNULL)
        inside = pathlib.Path(f"/proc/{process.pid}/cwd")
        try:
            register(world, "before.example")
            with (inside / "fill").open("wb", buffering=0) as fill, pytest.raises(OSError):
                while True:
                    fill.write(b"x" * 4096)
            written = (inside / "log").stat().st_size
            for i in range(20):
                register(world, f"during{i}.example", client=f"c{i // 5}")
            assert (inside / "log").stat().st_size - written < 8192, "the disk was not full: this proves nothing"
            (inside / "fill").unlink()
            register(world, "after.example")
            lost = [json.loads(line)["dropped"] for line in (inside / "log").read_text().splitlines()
                    if line.startswith("{") and line.endswith("}") and '"dropped":' in line]
            print("lines lost:", lost)
            assert sum(lost) > 20
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0


# --- F43: no descriptors left ---

def unprivileged(*more):
    """What starts a program as nobody; without root we are somebody like that."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *more] if os.geteuid() == 0 else []


def as_nobody(*words):
    return subprocess.run([*unprivileged(), *map(str, words)], capture_output=True, text=True, check=True).stdout


def descriptors(pid):
    return [int(number) for number in as_nobody("ls", f"/proc/{pid}/fd").split()]


def limit_descriptors(pid, most):
    """The soft limit; everything that is open stays so."""
    as_nobody("prlimit", f"--pid={pid}", f"--nofile={most}:")


class TcpServer(RedisServer):
    """Its socket is the test's own."""

    def url(self, tcp=True, **options):
        return super().url(tcp=tcp, **options)


@pytest.fixture(name="nobodys_world")
def make_nobodys_world():
    """A world whose workers belong to nobody."""
    with World(server=TcpServer(port=True), settings={"SESVERIFY_ACCOUNT_DEFAULT_RATE": "100", "SESVERIFY_DOMAINS_UNVERIFIED_RELEASE": "0s",
                                                       "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "100"}) as world:
        world.launcher = unprivileged("--no-new-privs", "--pdeathsig=KILL")
        yield world


def test_F43_no_descriptor_is_left(nobodys_world):
    """Connections that are lost cannot be made again: nothing spins, nothing is lost, and work goes on once there are some."""
    world = nobodys_world
    worker = world.start_worker()
    uids = next(line for line in pathlib.Path(f"/proc/{worker.pid}/status").read_text().splitlines() if line.startswith("Uid:"))
    assert "0" not in uids.split()[1:]
    register(world, "before.example")
    limit_descriptors(worker.pid, 3)  # as if all above were taken
    for one in world.redis.client_list():
        if one["name"].startswith("sesverify"):
            world.redis.client_kill_filter(_id=one["id"])
    entry = world.push("register", "c", "during.example")
    used_s = cpu_s(worker.pid)
    time.sleep(3)
    used_s = cpu_s(worker.pid) - used_s
    print(f"{used_s:.2f} CPU s in 3 s without descriptors")
    assert worker.alive() and used_s < 1.5, "it spins"
    assert world.redis.zcard("sv:{0}:run") == 0
    limit_descriptors(worker.pid, 1024)
    assert world.wait_answer(entry)["data"]["outcome"] == "done"
    world.wait_event("updated", "during.example")


def test_F43_too_few_descriptors_for_the_load(nobodys_world):
    """Two above what it holds at rest, and 80 domains at once: questions to SES and DNS find no socket again and again (EMFILE). All
    jobs are answered and all domains looked at all the same, only later."""
    world = nobodys_world
    world.sandbox.control.post("/dns-faults", {"do": "slow", "ms": 100, "count": -1})
    worker = world.start_worker()
    register(world, "before.example")
    highest = max(descriptors(worker.pid)) + 1
    limit_descriptors(worker.pid, highest + 2)
    names = [f"d{i:02}.example" for i in range(80)]
    used_s, begin = cpu_s(worker.pid), time.monotonic()
    for name in names:
        world.push("register", "c", name)
    most = 0

    def answered():
        nonlocal most
        most = max(most, len(descriptors(worker.pid)))
        return int(world.redis.hget("sv:{0}:n", "done") or 0) == len(names) + 1
    wait_for(answered, "every job to be answered", 2 * DEADLINE_S)
    used_s, passed = cpu_s(worker.pid) - used_s, time.monotonic() - begin
    print(f"at most {most} descriptors of {highest + 2}; {used_s:.2f} CPU s in {passed:.1f} s")
    assert worker.alive() and used_s < max(2.0, passed / 2), "it spins"
    assert most >= highest, "there were enough: this proves nothing"
    limit_descriptors(worker.pid, 1024)
    for name in names:
        world.wait_event("updated", name)


# --- F44, F45: memory ---

def test_F44_an_allocation_fails_somewhere():
    """Memory ends at twelve different points under load: the worker ends (71) or lives, and another finishes all of it."""
    ends = []
    with World(settings={"SESVERIFY_WORKER_LEASE": "1s", "SESVERIFY_WORKER_RECLAIM": "1s", "SESVERIFY_WORKER_CRASH_WAIT": "500ms",
                         "SESVERIFY_WORKER_DEATHS_MAX": "100", "SESVERIFY_SCHEDULE_FLOOR": "1h",
                         "SESVERIFY_SCHEDULE_CAP": "2h", "SESVERIFY_SCHEDULE_PATIENCE": "72h",
                         "SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000"}, speed=1) as world:
        count = 0
        for step in range(12):
            worker = world.start_worker()
            size = int(pathlib.Path(f"/proc/{worker.pid}/statm").read_text().split()[0]) * resource.getpagesize()
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (size + step * step * 16384, resource.RLIM_INFINITY))
            for _ in range(30):
                world.push("register", f"c{count // 5}", f"d{count}.example")
                count += 1
            try:
                ends.append(worker.process.wait(3))
            except subprocess.TimeoutExpired:
                ends.append(None)
                worker.kill()
        print("ended with", ends)
        assert set(ends) <= {71, None} and 71 in ends
        world.start_worker()
        wait_for(lambda: int(world.redis.hget("sv:{0}:n", "done") or 0) == count, "every job to be answered", 2 * DEADLINE_S)


def test_F45_little_memory_and_full_load():
    """64 MiB for everything, the libraries' pages too, with 2,000 domains due at once, every answer kept that there is room for, and
    500 jobs meanwhile: what is in flight is bounded, so that it fits, every domain has its turn and every job its answer."""
    with Burst(2000, rate=200.0, settings={"SESVERIFY_LOG_LEVEL": "info"}) as run:
        run.plant_all()
        run.publish_all()
        run.start()
        pid, redis = run.worker.pid, run.world.redis
        resource.prlimit(pid, resource.RLIMIT_AS, (64 * MIB, 64 * MIB))
        jobs = [json.dumps({"type": "register", "client_id": f"j{i // 10}", "domain": f"j{i}.example",
                            "account": run.accounts[0][0]}) for i in range(500)]
        for job in jobs:
            redis.xadd("sv:{0}:jobs", {"job": job})
        begin, course, most = time.monotonic(), [], 0

        def all_done():
            nonlocal most
            assert run.worker.alive(), "64 MiB were too little"
            now_s, in_flight = time.monotonic() - begin, redis.zcard("sv:{0}:run")
            most = max(most, in_flight)
            if not course or now_s >= course[-1][0] + 2:
                course.append((now_s, memory_kb(pid, "VmRSS") / 1024, memory_kb(pid, "VmSize") / 1024, in_flight))
            return run.all_looked_at() and int(redis.hget("sv:{0}:n", "done") or 0) == len(jobs)
        wait_for(all_done, "all to be looked at and every job to be answered within 64 MiB", 3 * DEADLINE_S)
        for now_s, resident, size, in_flight in course:
            print(f"{now_s:5.1f} s: {resident:.1f} MiB resident, {size:.1f} MiB in all, {in_flight} in flight")
        print(f"largest size {memory_kb(pid, 'VmPeak') / 1024:.1f} MiB, at most {most} of 2,000 in flight")
        assert 0 < most < 2000
        answers = [event["data"]["outcome"] for event in run.world.events() if event["type"].endswith("finished.v1")]
        assert answers == ["done"] * len(jobs)
