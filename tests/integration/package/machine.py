"""A fresh Debian in a folder (made.py), and the same booted with systemd in it, without a network.

    with Machine(folder) as machine:     # installs nothing of ours
        machine.inside("dpkg", "-l")     # before it is booted
        machine.boot()
        machine.run("systemctl", "start", "x")
"""
import concurrent.futures
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.request

from child import die_with_parent
from made import CLEAN, fresh_debian
from sandbox import wait_for

LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"  # the container's own filter knows them not
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Machine:
    def __init__(self, folder):
        self.root = pathlib.Path(folder) / "root"
        self.process = None
        self.leader = 0

    def __enter__(self):
        self.root.mkdir(parents=True)
        subprocess.run(["tar", "--extract", "--numeric-owner", "--xattrs-include=*", "--directory", str(self.root),
                        "--file", str(fresh_debian())], check=True)
        return self

    def __exit__(self, *exc):
        if self.process is not None:
            if exc[0] is not None:
                print(self.run("journalctl", "-b", "--no-pager", "-n", "80", check=False).stdout)
            self.process.send_signal(signal.SIGTERM)  # powers the machine off
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def put(self, path, text, mode=0o644):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def inside(self, *command, check=True):
        """Before it is booted; the network is the host's."""
        return self._finish(["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", str(self.root),
                             "--machine", f"sv-{os.getpid()}", *command], check)

    def boot(self):
        log = (self.root.parent / "boot.log").open("w")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", str(self.root), "--boot", "--register=no", "--keep-unit",
             "--private-network", f"--system-call-filter={LANDLOCK}", "--machine", f"sv-{os.getpid()}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)

        def up():
            assert self.process.poll() is None, (self.root.parent / "boot.log").read_text()[-2000:]
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            self.leader = int(children[0]) if children else 0
            return self.leader and self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")
        wait_for(up, "the machine to boot", 300)

    def run(self, *command, check=True, environment=None, stdin=None):
        return self._finish(["nsenter", "-t", str(self.leader), "-a", "--root", "--wd=/", "env", "-i",
                             *[f"{k}={v}" for k, v in {**CLEAN, **(environment or {})}.items()], *command],
                            check, stdin)

    def in_its_network(self, make):
        """What make() returns: sockets that it opens are the machine's. A thread is moved there, not this process."""
        def moved():
            with open(f"/proc/{self.leader}/ns/net", "rb") as network:
                assert _libc.setns(network.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            return make()
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(moved).result()

    def fetch(self, url):
        """A page that somebody in there serves on loopback."""
        def ask():
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read().decode()
        return self.in_its_network(ask)

    @staticmethod
    def _finish(command, check, stdin=None):
        begin = time.monotonic()
        done = subprocess.run(command, env=CLEAN, input=stdin, capture_output=True, text=True, timeout=900, check=False)
        assert not check or done.returncode == 0, (command[-6:], time.monotonic() - begin, done.stdout[-3000:], done.stderr[-3000:])
        return done
