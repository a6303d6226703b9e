"""The worker as a process: how it starts, refuses, drains, reloads, tells systemd, and how little it does when idle."""
import fcntl
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

from bad_days import Stopwatch, counter, cpu_s, logged, measure, memory_kib, register, wait_logged
from checker import check as violations
from redis_server import RedisServer, free_port
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

DOMAIN = "client.example"
READ = "GetIdentityVerificationAttributes"


@pytest.fixture(name="world")
def make_world():
    with World() as world:
        yield world
        found = violations(world.redis)
        assert not found, found


def ended(worker):
    code = worker.process.wait(DEADLINE_S)
    return code, worker.text()


# --- starting ---

@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_F01_redis_absent_at_start(world, place, tmp_path):
    port = free_port()
    url, shown = {"tcp": (f"redis://127.0.0.1:{port}", f"127.0.0.1:{port}"),
                  "unix": (f"unix://{tmp_path}/none.sock", f"{tmp_path}/none.sock")}[place]
    begin = time.monotonic()
    worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=url, SESVERIFY_WORKER_STARTUP_TIMEOUT="1500ms")
    code, text = ended(worker)
    assert code == 69, text
    assert time.monotonic() - begin >= 1.5
    last = logged(worker, "startup_timeout")[0]
    assert last["level"] == "error" and shown in last["msg"]
    assert logged(worker, "stopped")


def test_F01_redis_that_comes_late_is_waited_for(world):
    with RedisServer() as other:
        other.stop()
        worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=other.url())
        wait_logged(worker, "redis_lost" if logged(worker, "redis_lost") else "account_ready")
        other.start()
        wait_for(worker.ready, "the worker to be ready", DEADLINE_S)
        assert worker.stop() == 0


def test_F15_wrong_password_ends_with_77(world):
    with RedisServer(password="the-right-one") as guarded:
        for secret in ({"SESVERIFY_REDIS_PASSWORD": "MARKER-wrong"}, {}):
            worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=guarded.url(password=""), **secret)
            code, text = ended(worker)
            assert code == 77, text
            assert logged(worker, "redis_refused"), text
            assert "MARKER" not in text
        worker = world.start_worker(SESVERIFY_REDIS_URL=guarded.url(password=""),
                                    SESVERIFY_REDIS_PASSWORD="the-right-one")
        assert worker.stop() == 0


def test_F15_a_password_changed_meanwhile_is_told_and_outlived():
    with World(server=RedisServer(password="one"), settings={"SESVERIFY_REDIS_PASSWORD": "one"}) as world:
        worker = world.start_worker()
        world.redis.config_set("requirepass", "two")
        world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_for(lambda: "WRONGPASS" in worker.text(), "the reason in the log")
        assert worker.alive()
        world.redis.config_set("requirepass", "one")
        entry = world.redis.xadd("sv:{0}:jobs", {"job": json.dumps(
            {"type": "register", "client_id": "c", "domain": DOMAIN})}).decode()
        assert world.wait_answer(entry)["data"]["outcome"] == "done"
        assert not violations(world.redis)


def test_a_bad_configuration_lists_every_mistake(world, tmp_path):
    file = tmp_path / "bad.conf"
    file.write_text("[redis]\nurl = http://x\nshards = 3\n\n[worker]\ndrain_timeout = 5\ndrain_timeuot = 5s\n"
                    "[dns]\nservers = resolver.example\n")
    worker = world.start_worker(wait=False, args=["--config", file])
    code, text = ended(worker)
    assert code == 78, text
    told = {int(line) for line in re.findall(rf"{re.escape(str(file))}:(\d+)", text)}
    assert {6, 7} <= told, text  # a value without its unit, an unknown key
    assert "drain_timeout" in text and "shards" in text, text


def test_missing_credentials_end_with_77(world):
    worker = world.start_worker(wait=False, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME="/nonexistent")
    code, text = ended(worker)
    assert code == 77, text
    assert "account default" in logged(worker, "credentials_missing")[0]["error"]


# --- stopping ---

def hang_a_check(world, **settings):
    """A worker with a check under way that SES does not answer."""
    worker = world.start_worker(**settings)
    world.sandbox.fault("hang", action=READ, ms=-1, count=-1)
    register(world, DOMAIN)
    wait_for(lambda: world.sandbox.calls(READ)["count"] > 0, "SES to be asked")
    return worker


def test_E6_drain_hands_back_what_hangs_and_another_goes_on(world):
    worker = hang_a_check(world, SESVERIFY_WORKER_DRAIN_TIMEOUT="1500ms")
    watch, begin = Stopwatch(worker.pid, *world.redis_server.pids), time.monotonic()
    worker.signal(signal.SIGTERM)
    code, took = watch.until_end(worker.process)
    print(f"drained in {took:.2f} s")
    assert code == 0, worker.text()[-2000:]
    assert time.monotonic() - begin >= 1.4 and took <= 3.5
    assert world.redis.zcard("sv:{0}:run") == 0
    found = violations(world.redis, rest=True)
    assert not found, found
    world.sandbox.control.delete("/faults")
    world.start_worker()
    world.wait_event("verified", DOMAIN)


def test_E6_a_second_signal_leaves_at_once(world):
    worker = hang_a_check(world, SESVERIFY_WORKER_DRAIN_TIMEOUT="30s")
    worker.signal(signal.SIGTERM)
    wait_logged(worker, "stopping")
    watch = Stopwatch(worker.pid, *world.redis_server.pids)
    worker.signal(signal.SIGINT)
    code, took = watch.until_end(worker.process)
    assert code == 0 and took < 2
    assert world.redis.zcard("sv:{0}:run") == 0
    world.sandbox.control.delete("/faults")


def test_E6_drain_without_redis_ends_in_time(world):
    """Nobody can take the work back: exit 75 within drain_timeout + 2 s, and leases see to the rest."""
    worker = hang_a_check(world, SESVERIFY_WORKER_DRAIN_TIMEOUT="1s", SESVERIFY_WORKER_LEASE="3s")
    world.redis_server.pause()
    try:
        watch = Stopwatch(worker.pid)
        worker.signal(signal.SIGTERM)
        code, took = watch.until_end(worker.process)
    finally:
        world.redis_server.resume()
    print(f"left in {took:.2f} s without Redis")
    assert code == 75 and took <= 3.5, worker.text()[-2000:]
    world.sandbox.control.delete("/faults")
    world.start_worker(SESVERIFY_WORKER_LEASE="3s")
    world.wait_event("verified", DOMAIN)


def test_E6_stopping_while_starting(world, tmp_path):
    worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=f"unix://{tmp_path}/none.sock")
    wait_logged(worker, "account_ready")
    assert worker.stop() == 0


# --- systemd, signals ---

class Systemd:
    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.05)
        self.said = []

    def wait(self, line, times=1):
        def heard():
            try:
                self.said += self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                pass
            return sum(one.startswith(line) for one in self.said) >= times
        wait_for(heard, f"{line} of {self.said}", DEADLINE_S)


def test_M2_systemd_is_told(world, tmp_path):
    systemd = Systemd(tmp_path)
    worker = world.start_worker(NOTIFY_SOCKET=systemd.path, WATCHDOG_USEC="2000000")
    systemd.wait("READY=1")
    systemd.wait("STATUS=Working")
    systemd.wait("WATCHDOG=1", systemd.said.count("WATCHDOG=1") + 2)  # one that starts slowly has told before
    worker.signal(signal.SIGHUP)
    systemd.wait("RELOADING=1")
    systemd.wait("READY=1", 2)
    worker.signal(signal.SIGTERM)
    systemd.wait("STOPPING=1")
    assert worker.process.wait(DEADLINE_S) == 0
    assert systemd.said.index("READY=1") < systemd.said.index("RELOADING=1") < systemd.said.index("STOPPING=1")


def test_E5_state_dump(world):
    worker = world.start_worker()
    register(world, DOMAIN)
    world.wait_event("verified", DOMAIN)
    worker.signal(signal.SIGUSR1)
    state = wait_logged(worker, "state")[0]
    assert int(state["jobs_taken"]) == 1 and int(state["events_verified"]) == 1
    assert int(state["checks_committed"]) > 0 and int(state["ses_calls_CreateEmailIdentity"]) == 1, state
    assert worker.alive()


QUIET = {"SESVERIFY_LOG_LEVEL": None}  # taken from the environment


def test_F50_a_bad_file_at_reload_changes_nothing(world, tmp_path):
    systemd = Systemd(tmp_path)
    file = tmp_path / "live.conf"
    file.write_text("[log]\nlevel = info\n")
    worker = world.start_worker(args=["--config", file], NOTIFY_SOCKET=systemd.path, **QUIET)
    file.write_text("[log]\nlevel = debug\n[worker]\ninflight_max = many\n")
    for round_number in range(1, 21):
        worker.signal(signal.SIGHUP)
        systemd.wait("READY=1", 1 + round_number)
    assert logged(worker, "reload_refused")
    assert logged(worker, "config_problem", where=f"{file}:4")
    assert not logged(worker, "reloaded")
    world.wait_answer(world.push("recheck", "c", "nobody.example"))
    assert '"level":"debug"' not in worker.text()
    file.write_text("[log]\nlevel = debug\n")
    worker.signal(signal.SIGHUP)
    wait_logged(worker, "reloaded")
    register(world, DOMAIN)
    assert '"level":"debug"' in worker.text()


def test_F50_many_reloads_leak_nothing(world, tmp_path):
    file = tmp_path / "live.conf"
    systemd = Systemd(tmp_path)
    file.write_text("[log]\nlevel = info\n")
    worker = world.start_worker(args=["--config", file], NOTIFY_SOCKET=systemd.path, **QUIET)

    def reload(times):
        for round_number in range(times):
            file.write_text("[log]\nlevel = info\n" + ("[worker]\nlease = 7\n" if round_number % 3 == 0 else ""))
            ready = systemd.said.count("READY=1")
            worker.signal(signal.SIGHUP)
            systemd.wait("READY=1", ready + 1)
    reload(50)
    before = memory_kib(worker.pid), len(os.listdir(f"/proc/{worker.pid}/fd"))
    reload(250)
    after = memory_kib(worker.pid), len(os.listdir(f"/proc/{worker.pid}/fd"))
    print(f"after 250 reloads: VmRSS {before[0]} -> {after[0]} KiB, open files {before[1]} -> {after[1]}")
    assert after[1] == before[1]
    # AddressSanitizer keeps freed memory back, and looks for leaks itself.
    assert os.environ.get("SV_SANITIZE") or after[0] - before[0] <= 512


# --- a machine that runs out of things ---

def test_F43_no_file_descriptors_left(world):
    worker = world.start_worker()
    register(world, "early.example")
    world.wait_event("verified", "early.example")
    before = len(world.domain_events("early.example"))
    limits = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    entry = world.push("register", "client-1", DOMAIN)
    wait_for(lambda: "redis_unreachable" in worker.text() or "files" in worker.text(), "the reason in the log")
    begin, cpu = time.monotonic(), cpu_s(worker.pid)
    measure(2, lambda: 0)
    share = (cpu_s(worker.pid) - cpu) / (time.monotonic() - begin)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, limits)
    assert share < CPU_MAX, f"{100 * share:.1f} % CPU without a file descriptor"
    assert world.wait_answer(entry)["data"]["outcome"] == "done"
    assert len(world.domain_events("early.example")) == before


@pytest.mark.parametrize("how", ["blocked", "closed"])
def test_F55_nobody_reads_the_log(world, how):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([worker_program(), "run"], env=world.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    try:
        if how == "closed":
            os.close(reader)
        for i in range(5):
            register(world, f"unread{i}.example", client="c")
        for i in range(5):
            world.wait_event("verified", f"unread{i}.example")
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        if how != "closed":
            os.close(reader)


def test_F57_no_home_no_resolvers_empty_environment(world):
    """Only what it needs; the program is found by its path alone."""
    needed = {k: v for k, v in world.environment().items() if k.startswith(("AWS_", "SESVERIFY_"))}
    process = subprocess.Popen([worker_program(), "run"], env=needed, stdin=subprocess.DEVNULL, cwd="/",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        register(world, DOMAIN)
        world.wait_event("verified", DOMAIN)
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()


# --- idle ---

SLOW = {"SESVERIFY_WORKER_POLL": "1s", "SESVERIFY_WORKER_HEARTBEAT": "10s", "SESVERIFY_LOG_LEVEL": "info"}
COMMANDS_A_SECOND_MAX = 8
CPU_MAX = 0.05
MEMORY_MAX_KIB = 40 * 1024  # of a debug build; the aim for a release is 16 MiB


def test_an_idle_worker_is_quiet(world):
    worker = world.start_worker(**SLOW)
    world.wait_answer(world.push("recheck", "c", "nobody.example"))
    others = {"cmdstat_info"}  # what is not the worker's
    if hasattr(world.redis_server, "sentinels"):
        others |= {"cmdstat_ping", "cmdstat_publish", "cmdstat_replconf"}

    def commands():
        stats = world.redis.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if name not in others)
    cpu = cpu_s(worker.pid)
    begin = time.monotonic()
    per_second = measure(5, commands)
    share = (cpu_s(worker.pid) - cpu) / (time.monotonic() - begin)
    print(f"idle: {per_second:.2f} commands/s, {100 * share:.2f} % CPU, VmRSS {memory_kib(worker.pid)} KiB, "
          f"open files {len(os.listdir(f'/proc/{worker.pid}/fd'))}")
    assert per_second <= COMMANDS_A_SECOND_MAX
    assert share < CPU_MAX
    assert memory_kib(worker.pid) <= MEMORY_MAX_KIB
    assert counter(world, "accepted") == 1


def test_a_worker_without_redis_is_quiet_too(world):
    worker = world.start_worker(**SLOW)
    world.redis_server.stop()
    wait_for(lambda: "redis_lost" in worker.text() or '"level":"warn"' in worker.text(), "the loss to be told")
    begin, cpu = time.monotonic(), cpu_s(worker.pid)
    lines = measure(4, lambda: len(worker.text().splitlines()))
    share = (cpu_s(worker.pid) - cpu) / (time.monotonic() - begin)
    print(f"without Redis: {100 * share:.2f} % CPU, {lines:.1f} log lines/s")
    assert share < CPU_MAX and lines <= 5
    world.redis_server.start()
    watch = Stopwatch(worker.pid, *world.redis_server.pids)
    world.wait_answer(world.push("recheck", "c", "nobody.example"))
    took = watch.read()
    print(f"back {took:.2f} s after Redis came back")
    assert took <= 4  # the aim is 2 s, on a machine that is not shared
