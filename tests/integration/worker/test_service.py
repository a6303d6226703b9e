"""The worker as a service: what its manager hears (M2), the watchdog (F49), many reloads (F50), and places that are bare (F57)."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from bad_days import logged, memory_kib, register
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

DOMAIN = "client.example"
READ = "GetIdentityVerificationAttributes"


class Manager:
    """The service manager's end of the socket; every line with the time at which it came."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.said = []

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                return
            self.said += [(time.monotonic(), line) for line in text.split("\n")]

    def times(self, begin):
        return [at for at, line in self.said if line.startswith(begin)]

    def wait(self, begin, count=1):
        def heard():
            self.listen(0.05)
            return len(self.times(begin)) >= count
        wait_for(heard, f"{begin} in {self.said}", DEADLINE_S)


def test_F49_a_frozen_loop_feeds_no_watchdog_and_another_goes_on(tmp_path):
    """The manager hears nothing for the watchdog's time and kills; what the worker held is finished by another one."""
    manager = Manager(tmp_path)
    watchdog_s = 2
    with World(settings={"SESVERIFY_WORKER_LEASE": "2s"}) as world:
        worker = world.start_worker(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=str(watchdog_s * 1000000))
        manager.wait("WATCHDOG=1", 2)
        world.sandbox.fault("hang", action=READ, ms=-1, count=-1)
        register(world, DOMAIN)
        wait_for(lambda: world.sandbox.calls(READ)["count"] > 0, "SES to be asked")
        manager.wait("WATCHDOG=1", len(manager.times("WATCHDOG=1")) + 1)
        worker.signal(signal.SIGSTOP)
        manager.listen(0.2)  # what was under way
        before = len(manager.times("WATCHDOG=1"))
        manager.listen(watchdog_s * 1.2)
        assert len(manager.times("WATCHDOG=1")) == before, "a frozen loop looks alive"
        worker.kill()
        world.workers.remove(worker)
        world.sandbox.control.delete("/faults")
        world.start_worker(SESVERIFY_WORKER_LEASE="2s")
        world.wait_event("verified", DOMAIN)


def test_M2_slow_paces_of_status_and_watchdog(tmp_path):
    """STATUS each 10 s, WATCHDOG at half the time, both while it works and while Redis is away."""
    manager = Manager(tmp_path)
    with World() as world:
        worker = world.start_worker(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="6000000", SESVERIFY_LOG_LEVEL="info")
        manager.wait("READY=1")
        manager.listen(21)
        status, fed = manager.times("STATUS=Working:"), manager.times("WATCHDOG=1")
        gaps = [b - a for a, b in zip(fed, fed[1:])]
        print("STATUS after", [round(b - a, 1) for a, b in zip(status, status[1:])], "s; WATCHDOG after",
              [round(gap, 1) for gap in gaps], "s")
        assert len(status) in (2, 3) and all(9 <= b - a <= 13 for a, b in zip(status, status[1:]))
        assert len(fed) >= 6 and all(2.5 <= gap < 6 for gap in gaps)
        world.redis_server.pause()
        try:
            fed = len(fed)
            manager.listen(15)
        finally:
            world.redis_server.resume()
        fed = manager.times("WATCHDOG=1")[fed:]
        assert len(fed) >= 4, "a worker that waits for Redis would be restarted"
        assert any("Redis is away" in line for _, line in manager.said)
        worker.signal(signal.SIGTERM)
        manager.wait("STOPPING=1")


def test_F50_slow_a_thousand_reloads(tmp_path):
    """Good and bad files in turns: nothing leaks, and what is in force is what the last good one said."""
    manager = Manager(tmp_path)
    file = tmp_path / "live.conf"
    bad = ("[worker]\nlease = 7\n", "[log\n", "nonsense\n", "[log]\nlevel = loud\n")
    with World(settings={"SESVERIFY_LOG_LEVEL": None}) as world:
        file.write_text("[log]\nlevel = info\n")
        worker = world.start_worker(args=["--config", file], NOTIFY_SOCKET=manager.path, SESVERIFY_LOG_LEVEL=None)

        def reload(text):
            file.write_text(text)
            ready = len(manager.times("READY=1"))
            worker.signal(signal.SIGHUP)
            manager.wait("READY=1", ready + 1)

        def figures():
            return memory_kib(worker.pid), len(os.listdir(f"/proc/{worker.pid}/fd"))
        for i in range(100):
            reload(bad[i % 4] if i % 2 else f"[log]\nlevel = {('info', 'warn')[i // 2 % 2]}\n")
        before = figures()
        for i in range(1000):
            reload(bad[i // 2 % 4] if i % 2 else f"[log]\nlevel = {('info', 'warn')[i // 2 % 2]}\n")
        after = figures()
        print(f"1,000 reloads: VmRSS {before[0]} -> {after[0]} KiB, open files {before[1]} -> {after[1]}")
        assert abs(after[1] - before[1]) < 10  # a connection may come or go; one left behind by each would be a thousand
        assert os.environ.get("SV_SANITIZE") or after[0] - before[0] <= 512
        reload("[log]\nlevel = debug\n")
        register(world, DOMAIN)
        world.wait_event("verified", DOMAIN)
        wait_for(lambda: '"level":"debug"' in worker.text(), "the last good level")
        assert len(logged(worker, "reload_refused")) > 0


# --- F57: places that are bare ---

BARE = """
set -e
mount --bind "$BARE_ETC" /etc
mount --bind "$BARE_TMP" /tmp
mount -o remount,bind,ro /etc
mount -o remount,bind,ro /tmp
mount -o remount,bind,ro /
exec setpriv --reuid 54321 --regid 54321 --clear-groups --no-new-privs "$@"
"""


def run_bare(world, url, **settings):
    """A worker on a read-only root, without HOME, with a user that nobody knows and without /etc/resolv.conf; its log."""
    etc, tmp = world.folder / "etc", world.folder / "tmp"
    if not etc.exists():
        etc.mkdir()
        tmp.mkdir()
        for name in ("ld.so.cache", "nsswitch.conf", "ssl"):
            source = pathlib.Path("/etc") / name
            if source.is_dir():
                shutil.copytree(source, etc / name, symlinks=True)
            elif source.exists():
                shutil.copy(source, etc / name)
    environment = {k: v for k, v in world.environment().items() if k.startswith(("AWS_", "SESVERIFY_"))}
    environment.update(settings, SESVERIFY_REDIS_URL=url, BARE_ETC=str(etc), BARE_TMP=str(tmp), PATH=os.environ["PATH"])
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", BARE, "sh", worker_program(), "run"], env=environment,
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return process, log


@pytest.mark.skipif(os.getuid() != 0, reason="mounts")
def test_F57_read_only_root_no_home_random_user_no_resolvers():
    with World(server=RedisServer(port=True)) as world:
        url = world.redis_server.url(tcp=True)
        process, log = run_bare(world, url, SESVERIFY_DNS_SERVERS="")
        code = process.wait(DEADLINE_S)
        log.seek(0)
        said = log.read()
        assert code == 78 and "dns_servers_missing" in said, (code, said)
        process, log = run_bare(world, url)
        try:
            register(world, DOMAIN)
            world.wait_event("verified", DOMAIN)
        finally:
            process.terminate()
            code = process.wait(DEADLINE_S)
            log.seek(0)
            assert code == 0, (code, log.read())
