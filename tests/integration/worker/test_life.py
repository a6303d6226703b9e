"""The life of `sesverify run` as an operator sees it: readiness, signals, reload, watchdog, drain."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from sandbox import wait_for  # noqa: E402
from world import DEADLINE_S, World, worker_program  # noqa: E402


class Listener:
    """What systemd would hear."""

    def __init__(self, abstract):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.folder = tempfile.TemporaryDirectory(prefix="sv-notify-")
        name = f"sv-notify-{os.getpid()}" if abstract else f"{self.folder.name}/socket"
        self.socket.bind("\0" + name if abstract else name)
        self.address = "@" + name if abstract else name
        self.heard = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.folder.cleanup()

    def lines(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.heard += self.socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return self.heard

    def wait(self, line, count=1):
        wait_for(lambda: self.lines().count(line) >= count, f"{line} from the worker", DEADLINE_S)


def logged(worker, event):
    """All log lines of one event; each line of the log is JSON."""
    lines = [json.loads(line) for line in worker.text().splitlines()]
    return [line for line in lines if line["event"] == event]


def wait_logged(worker, event, count=1):
    wait_for(lambda: len(logged(worker, event)) >= count, f"{count} times {event} in the log", DEADLINE_S)
    return logged(worker, event)


@pytest.mark.parametrize("abstract", [False, True])
def test_M2_notify(abstract):
    with World() as world, Listener(abstract) as listener:
        worker = world.start_worker(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="2000000")
        listener.wait("READY=1")
        listener.wait("WATCHDOG=1", 2)
        worker.signal(signal.SIGHUP)
        listener.wait("READY=1", 2)
        assert "RELOADING=1" in listener.lines()
        assert worker.stop() == 0
        listener.wait("STOPPING=1")
        assert listener.lines().index("STOPPING=1") > listener.lines().index("READY=1")


def test_M2_no_watchdog_while_stuck_is_not_claimed_when_redis_is_away():
    """A worker that waits for Redis is alive: a restart would not help."""
    with World() as world, Listener(False) as listener:
        world.start_worker(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="1000000")
        world.redis_server.kill()
        seen = listener.lines().count("WATCHDOG=1")
        listener.wait("WATCHDOG=1", seen + 3)
        world.redis_server.start()


def test_E5_dump_and_debug():
    with World(settings={"SESVERIFY_LOG_LEVEL": "info"}) as world:
        worker = world.start_worker()
        worker.signal(signal.SIGUSR1)
        dump = wait_logged(worker, "state")[0]
        assert dump["inflight"] == 0 and dump["jobs_taken"] == 0 and "ses_calls_CreateEmailIdentity" in dump
        worker.signal(signal.SIGUSR2)
        wait_logged(worker, "debug_on")
        world.push("register", "c1", "client.example")
        world.wait_event("registered", "client.example")
        assert logged(worker, "job_opened")  # a debug line


def test_E5_reload_is_all_or_nothing(tmp_path):
    file = tmp_path / "x.conf"
    file.write_text("[log]\nlevel = info\n")
    with World(settings={"SESVERIFY_LOG_LEVEL": ""}) as world:
        log = tmp_path / "log"
        process = subprocess.Popen([worker_program(), "run", "--config", str(file)], env=world.environment(),
                                   stdin=subprocess.DEVNULL, stderr=log.open("w"))

        def lines(event):
            return [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == event]

        wait_for(lambda: lines("ready"), "the worker to be ready", DEADLINE_S)
        file.write_text("[log]\nlevel = debug\n[redis]\nshards = 3\n")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: lines("reload_refused"), "the refusal", DEADLINE_S)
        assert f"{file}:4" in [line.get("where") for line in lines("config_problem")]
        world.push("register", "c1", "quiet.example")
        world.wait_event("registered", "quiet.example")
        assert not lines("job_opened")  # still info
        file.write_text("[log]\nlevel = debug\n")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: lines("reloaded"), "the reload", DEADLINE_S)
        world.push("register", "c1", "loud.example")
        wait_for(lambda: lines("job_opened"), "a debug line", DEADLINE_S)
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_E6_drain_waits_for_what_is_under_way(number):
    """SES answers late: the drain lets the check finish and leaves 0."""
    with World() as world:
        worker = world.start_worker()
        world.sandbox.fault("hang", action="CreateEmailIdentity", ms=1500)
        world.push("register", "c1", "slow.example")
        wait_for(lambda: world.sandbox.calls("CreateEmailIdentity")["count"], "SES to be asked", DEADLINE_S)
        worker.signal(number)
        assert worker.process.wait(DEADLINE_S) == 0
        assert logged(worker, "drained")[0]["left"] == 0
        assert world.wait_event("registered", "slow.example")


def test_E6_second_signal_leaves_now():
    with World() as world:
        worker = world.start_worker()
        world.sandbox.fault("hang", action="CreateEmailIdentity", ms=20000)
        world.push("register", "c1", "slow.example")
        wait_for(lambda: world.sandbox.calls("CreateEmailIdentity")["count"], "SES to be asked", DEADLINE_S)
        worker.signal(signal.SIGTERM)
        wait_logged(worker, "stopping")
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(5) in (0, 75)  # 0: everything was handed back in time


def test_E5_signal_before_redis_is_there():
    with World() as world:
        worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=f"unix://{world.folder}/nobody")
        wait_logged(worker, "account_ready")
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(DEADLINE_S) == 0


def test_E5_signals_with_the_first_line():
    """What comes before the loop turns waits for it: neither lost nor the end of the process in the default way."""
    for _ in range(10):
        with World() as world:
            worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL=f"unix://{world.folder}/nobody")
            wait_for(worker.text, "the first line", DEADLINE_S)
            worker.signal(signal.SIGHUP)
            worker.signal(signal.SIGUSR2)
            worker.signal(signal.SIGTERM)
            assert worker.process.wait(DEADLINE_S) == 0


def test_E5_quit_dumps_and_aborts():
    with World() as world:
        worker = world.start_worker()
        worker.signal(signal.SIGQUIT)
        assert worker.process.wait(DEADLINE_S) == -signal.SIGABRT
        assert logged(worker, "state")


def test_L7_no_secret_in_the_log():
    with World() as world:
        worker = world.start_worker()
        world.push("register", "c1", "client.example")
        world.wait_event("registered", "client.example")
        worker.signal(signal.SIGUSR1)
        wait_logged(worker, "state")
        assert "sandbox-secret" not in worker.text() and "Authorization" not in worker.text()
