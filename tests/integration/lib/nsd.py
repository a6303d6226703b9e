"""A private nsd (a real authoritative server) on a free loopback port, whose zones a test changes while it runs.

    with Nsd() as dns:
        dns.zone("client.example", ["client.example. 1 TXT \"v=spf1 -all\""])
        ... dns.address is "127.0.0.1:PORT"
"""
import pathlib
import shutil
import signal
import subprocess
import tempfile

import dns.exception
import dns.message
import dns.query

from child import die_with_parent
from redis_server import free_port
from sandbox import wait_for

PORT_TRIES = 10


class Nsd:
    def __init__(self, names=()):
        self.names = list(names)
        self.serials = {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sv-nsd-"))
        self.process = None

    def __enter__(self):
        for name in self.names:
            self._write(name, [])
        for _ in range(PORT_TRIES):
            self.port = free_port()
            self._configure()
            self.process = subprocess.Popen(
                ["nsd", "-d", "-c", str(self.folder / "nsd.conf")],
                stdout=subprocess.DEVNULL, stderr=(self.folder / "nsd.err").open("w"), preexec_fn=die_with_parent)
            try:
                wait_for(lambda: self.process.poll() is not None or self._serial(self.names[0]), "nsd to answer")
            except AssertionError:
                pass
            if self.process.poll() is None and self._serial(self.names[0]):
                return self
            self._end()
        raise RuntimeError("nsd does not start: " + (self.folder / "nsd.err").read_text())

    def __exit__(self, *_):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def zone(self, name, lines):
        """Replaces the zone's records (its SOA and NS are ours) and waits until they are served."""
        serial = self._write(name, lines)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self._serial(name) == serial, f"nsd to serve {name} {serial}")

    def _write(self, name, lines):
        serial = self.serials[name] = self.serials.get(name, 0) + 1
        text = [f"{name}. 1 SOA ns.{name}. hostmaster.{name}. {serial} 3600 600 86400 1",
                f"{name}. 1 NS ns.{name}.", f"ns.{name}. 1 A 127.0.0.1", *lines]
        (self.folder / f"{name}.zone").write_text("\n".join(text) + "\n")
        return serial

    def _configure(self):
        zones = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{self.folder}/{name}.zone"\n' for name in self.names)
        (self.folder / "nsd.conf").write_text(
            f"server:\n  ip-address: 127.0.0.1@{self.port}\n  username: \"\"\n  server-count: 1\n"
            f"  zonesdir: \"{self.folder}\"\n  pidfile: \"\"\n  database: \"\"\n  zonelistfile: \"{self.folder}/zone.list\"\n"
            f"  xfrdfile: \"{self.folder}/xfrd.state\"\n  xfrdir: \"{self.folder}\"\n  rrl-ratelimit: 0\n"
            f"remote-control:\n  control-enable: no\n{zones}")

    def _serial(self, name):
        try:
            reply = dns.query.udp(dns.message.make_query(name, "SOA"), "127.0.0.1", port=self.port, timeout=0.5)
            return reply.answer[0][0].serial if reply.answer else 0
        except (OSError, dns.exception.DNSException):
            return 0

    def _end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
