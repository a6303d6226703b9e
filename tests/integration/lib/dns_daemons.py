"""nsd and unbound as processes of a test, on addresses of their own, port 53 (inside netns.py's network)."""
import os
import pathlib
import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query

from child import die_with_parent
from sandbox import wait_for


def ask(address, name, kind, recursive=False, timeout=1.0, **options):
    """One UDP exchange; the reply, or None."""
    query = dns.message.make_query(name, kind, **options)
    if not recursive:
        query.flags &= ~dns.flags.RD
    try:
        return dns.query.udp(query, address, timeout=timeout)
    except (OSError, dns.exception.DNSException):
        return None


class Daemon:
    """A program with a configuration file in a folder of its own."""

    def __init__(self, folder, name, command, configuration):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True)
        self.name = name
        self.configuration = self.folder / f"{name}.conf"
        self.configuration.write_text(configuration(self.folder))
        self.command = [*command, "-c", str(self.configuration)]
        self.log = self.folder / "stderr.log"

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log.open("w"),
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        return self

    def answers(self, address, name, kind="SOA"):
        assert self.process.poll() is None, f"{self.name} ended: {self.log.read_text()[-2000:]}"
        return ask(address, name, kind, timeout=0.3)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Nsd(Daemon):
    """An authoritative server whose zones come and go while it runs: `zones` is what it serves, name -> serial."""

    def __init__(self, folder, name, addresses):
        self.addresses = list(addresses)
        self.zones = {}
        super().__init__(folder, name, ["/usr/sbin/nsd", "-d"], self._configuration)

    def _configuration(self, folder):
        listen = "".join(f"  ip-address: {address}\n" for address in self.addresses)
        return (f"server:\n{listen}  username: \"\"\n  chroot: \"\"\n  server-count: 1\n  zonesdir: \"{folder}\"\n"
                f"  pidfile: \"\"\n  database: \"\"\n  zonelistfile: \"{folder}/zone.list\"\n  xfrdfile: \"{folder}/xfrd\"\n"
                f"  xfrdir: \"{folder}\"\n  logfile: \"{folder}/nsd.log\"\n  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n"
                "  minimal-responses: yes\n  zonefiles-check: yes\n"
                f"remote-control:\n  control-enable: yes\n  control-interface: {folder}/control\n"
                f"pattern:\n  name: file\n  zonefile: \"{folder}/%s.zone\"\n")

    def path(self, zone):
        return self.folder / f"{zone or '.'}.zone"

    def control(self, *words, **options):
        done = subprocess.run(["nsd-control", "-c", str(self.configuration), *words], capture_output=True, text=True,
                              check=False, **options)
        assert done.returncode == 0, f"{self.name} {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        super().start()
        wait_for(lambda: (self.folder / "control").exists() and self.answers(self.addresses[0], "."), f"{self.name} to answer")
        return self

    def serve(self, serials):
        """The files of these zones (name -> serial) were written: serve them, and return once they are served."""
        self.said = self._log_bytes()
        fresh = [zone for zone in serials if zone not in self.zones]
        if fresh:
            self.control("addzones", input="".join(f"{zone or '.'} file\n" for zone in fresh))
        if len(fresh) < len(serials):
            self.control("reload")
        self.zones.update(serials)
        for zone, serial in serials.items():
            wait_for(lambda z=zone, s=serial: self._serves(z, s), f"{self.name} to serve {zone or '.'} {serial}")

    def _log_bytes(self):
        return (self.folder / "nsd.log").stat().st_size

    def _serves(self, zone, serial):
        news = (self.folder / "nsd.log").read_text()[self.said:]
        assert " error: " not in news, f"{self.name}: {news[:2000]}"
        return self.serial(zone) == serial

    def forget(self, zones):
        for zone in zones:
            if self.zones.pop(zone, None) is not None:
                self.control("delzone", zone)
                wait_for(lambda z=zone: self.serial(z) is None, f"{self.name} to forget {zone}")

    def serial(self, zone):
        reply = self.answers(self.addresses[0], f"{zone}.")
        return reply.answer[0][0].serial if reply is not None and reply.answer and reply.answer[0].rdtype == 6 else None


class Unbound(Daemon):
    """A validating recursive resolver that starts at the lab's root. `extra` are lines of its server section."""

    def __init__(self, folder, name, address, root_addresses, anchor, extra=()):
        self.address = address
        self.roots = list(root_addresses)
        self.anchor = anchor
        self.extra = list(extra)
        super().__init__(folder, name, ["/usr/sbin/unbound", "-d"], self._configuration)

    def _configuration(self, folder):
        hints = folder / "root.hints"
        hints.write_text(". 3600 NS ns.root-servers.net.\n" +
                         "".join(f"ns.root-servers.net. 3600 {'AAAA' if ':' in a else 'A'} {a}\n" for a in self.roots))
        (folder / "anchor").write_text(self.anchor + "\n")
        lines = [f"interface: {self.address}", "port: 53", "num-threads: 1", "do-daemonize: no", 'username: ""',
                 'chroot: ""', 'pidfile: ""', "use-syslog: no", f'logfile: "{folder}/unbound.log"', f'directory: "{folder}"',
                 "access-control: 127.0.0.0/8 allow", "do-not-query-localhost: no", "ede: yes", "val-log-level: 2",
                 f'root-hints: "{hints}"', f'trust-anchor-file: "{folder}/anchor"', "aggressive-nsec: no",
                 "infra-host-ttl: 1", "minimal-responses: yes", "module-config: \"validator iterator\"", "so-reuseport: no",
                 "outgoing-range: 256", "msg-cache-size: 8m", "rrset-cache-size: 8m", *self.extra]
        return ("server:\n" + "".join(f"  {line}\n" for line in lines) +
                f"remote-control:\n  control-enable: yes\n  control-interface: {folder}/control\n  control-use-cert: no\n")

    def start(self):
        super().start()
        wait_for(lambda: (self.folder / "control").exists() and self.answers(self.address, "localhost", "A"),
                 f"{self.name} to answer")
        return self

    def control(self, *words):
        done = subprocess.run(["unbound-control", "-c", str(self.configuration), *words], capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"]})
        assert done.returncode == 0, f"{self.name} {words}: {done.stdout}{done.stderr}"
        return done.stdout
