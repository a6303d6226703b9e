"""The whole product on one machine: a real Redis, a real DNS server, the SES sandbox and any number of workers.

    with World() as world:
        world.push("register", "c1", "client.example")
        registered = world.wait_event("registered", "client.example")
        world.publish("client.example", registered["data"]["dns_records"])
        world.wait_event("verified", "client.example")
"""
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import zlib

import contract
import redis_variant
from sandbox import Sandbox, wait_for

DEADLINE_S = float(os.environ.get("SV_TEST_DEADLINE_S", "60"))
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

# 72 hours of SES pass in 13 seconds; the worker follows through its ordinary settings.
SPEED = 20000
FAST = {
    "SESVERIFY_DOMAINS_ALLOW_SPECIAL_USE": "true",
    "SESVERIFY_SCHEDULE_FIRST_LOOK": "200ms",
    "SESVERIFY_SCHEDULE_FLOOR": "200ms",
    "SESVERIFY_SCHEDULE_CAP": "500ms",
    "SESVERIFY_SCHEDULE_VERIFIED_EVERY": "500ms",
    "SESVERIFY_SCHEDULE_CONFIRM_AFTER": "500ms",
    "SESVERIFY_SCHEDULE_SES_FLOOR": "1s",
    "SESVERIFY_SCHEDULE_RESTART_COOLDOWN": "2s",
    "SESVERIFY_SCHEDULE_PATIENCE": "13s",
    "SESVERIFY_SCHEDULE_DAILY": "1s",
    "SESVERIFY_SCHEDULE_FAULT_FIRST": "200ms",
    "SESVERIFY_SCHEDULE_FAULT_CAP": "1s",
    "SESVERIFY_WORKER_POLL": "100ms",
    "SESVERIFY_WORKER_HEARTBEAT": "1s",
    "SESVERIFY_WORKER_START_SPREAD": "0s",
    "SESVERIFY_WORKER_PROBE": "false",  # tests count calls; test_startup.py is about these
    "SESVERIFY_STATUS_LISTEN": "127.0.0.1:0",
    "SESVERIFY_LOG_FORMAT": "json",
    "SESVERIFY_LOG_LEVEL": "debug",
}


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def worker_program(variant="sesverify"):
    """SV_TEST_WORKER is another one for tests that ask for none."""
    root = pathlib.Path(__file__).resolve().parents[3]
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", root / "build" / "debug"))
    variant = os.environ.get("SV_TEST_WORKER", variant) if variant == "sesverify" else variant
    folder = "worker" if variant == "sesverify" else "tests/integration/worker"
    return str(build / folder / variant)


def zone_line(record, owner_suffix="", ttl=1):
    """One dns_records entry as a zone line."""
    value = record["value"]
    if record["type"] == "TXT":
        parts = [value[i:i + 255] for i in range(0, len(value), 255)]  # a string of DNS holds no more
        value = " ".join('"' + part.replace('"', '\\"') + '"' for part in parts)
    else:
        value += "."
    return f"{record['name']}{owner_suffix}. {ttl} {record['type']} {value}"


def address(worker):
    """Where the worker's log says that its status port listens."""
    def find():
        told = re.search(r'"event":"status_port".*?"address":"([^"]+)"', worker.text())
        return told and told.group(1)
    return wait_for(find, "the status port", DEADLINE_S)


class Worker:
    def __init__(self, environment, folder, number, variant, args=(), launcher=()):
        self.name = f"w{number}"
        self.environment = environment
        self.log = folder / f"worker-{number}.log"
        self.process = subprocess.Popen(
            [*launcher, worker_program(variant), "run", *map(str, args)],
            env={**environment, "SESVERIFY_WORKER_NAME": self.name}, stdin=subprocess.DEVNULL,
            stdout=self.log.open("w"), stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def ready(self):
        assert self.alive(), f"the worker ended: {self.text()[-2000:]}"
        return '"event":"ready"' in self.text()

    def text(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the exit code."""
        if self.alive():
            self.process.terminate()
        return self.process.wait(DEADLINE_S)


class World:
    """`dns`: an object with `address` and `zone(name, lines)`; None = the sandbox's own DNS server. `settings` are
    environment variables of the workers; `sandbox_args` are added to the sandbox's; `redis` = options of RedisServer;
    `server` = RedisSentinels or RedisCluster instead of what SV_TEST_REDIS says (redis_variant.py). `judged` = False where
    others than workers write events: what is told is not held against docs/schemas."""

    def __init__(self, dns=None, settings=None, sandbox_args=(), speed=SPEED, variant="sesverify", redis=None, server=None,
                 judged=True):
        self.dns = dns
        self.settings = {**FAST, **(settings or {})}
        self.sandbox_args = list(sandbox_args)
        self.speed = speed
        self.variant = variant
        self.judged = judged
        self.launcher = []  # what the workers are started by, such as setpriv; it has to become them
        self.redis_server = server or redis_variant.make(**(redis or {}))
        self.workers = []
        self.started = 0
        self.last_id = "0"
        self.seen = []
        self.lines = {}

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sv-world-"))
        self.redis_server.__enter__()
        self.redis = self.redis_server.client(decode_responses=False)
        args = ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--speed", self.speed, "--look-every", "1h"]
        if self.dns is None:
            self.zone_file = self.folder / "zone"
            self._write_zone()
            args += ["--dns-listen", "127.0.0.1:0", "--zone", self.zone_file]
        else:
            args += ["--dns", self.dns.address]
        self.sandbox = Sandbox(*args, *self.sandbox_args).__enter__()
        return self

    def __exit__(self, *exc):
        for worker in self.workers:
            if worker.alive():
                worker.signal(signal.SIGCONT)
                code = worker.stop() if exc[0] is None else worker.kill()
                assert exc[0] is not None or code == 0, f"the worker ended with {code}: {worker.text()[-3000:]}"
        if exc[0] is not None:
            for worker in self.workers[-2:]:
                print(f"--- {worker.log}\n{worker.text()[-2500:]}")
        self.sandbox.stop()
        try:
            if exc[0] is None and self.judged:
                contract.streams(self.redis)
                for worker in self.workers:
                    contract.log(worker.log, worker.environment)
        finally:
            self.redis_server.close()

    # --- workers ---

    def environment(self, **settings):
        """A worker's, with these settings besides; None takes one away. Who names a Redis gets nothing about ours."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SESVERIFY_"))}
        dns_address = self.dns.address if self.dns else self.sandbox.dns_addr
        ours = {} if "SESVERIFY_REDIS_URL" in settings else self.redis_server.environment()
        whole = {**clean, **self.sandbox.environment(), **ours, **self.settings, "SESVERIFY_DNS_SERVERS": dns_address, **settings}
        return {k: v for k, v in whole.items() if v is not None}

    def start_worker(self, wait=True, args=(), variant=None, **settings):
        self.started += 1
        worker = Worker(self.environment(**settings), self.folder, self.started, variant or self.variant, args, self.launcher)
        self.workers.append(worker)
        if wait:
            wait_for(worker.ready, "the worker to be ready", DEADLINE_S)
        return worker

    def command(self, *args):
        """Runs a client command; its CompletedProcess."""
        done = subprocess.run([worker_program(), *args], env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        contract.keeps_secrets(done.stdout + done.stderr, self.environment())
        if "--json" in args and self.judged:
            contract.outputs(done.stdout)
        return done

    # --- jobs and events ---

    def push(self, kind, client, domain, **fields):
        """XADD by redis-cli, as the platform's own code would do it; the entry id."""
        job = {"type": kind, "client_id": client, "domain": domain, **fields}
        return self.push_raw(json.dumps(job))

    def push_raw(self, payload, field="job"):
        done = subprocess.run(
            ["redis-cli", *self.redis_server.cli(), "-x", "XADD", "sv:{0}:jobs", "*", field],
            input=payload, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def events(self):
        """All events so far, oldest first."""
        for entry, fields in self.redis.xrange("sv:{0}:events", min=f"({self.last_id}" if self.seen else "-"):
            self.last_id = entry.decode()
            self.seen.append(json.loads(fields[b"event"]))
        return self.seen

    def domain_events(self, domain):
        return [e for e in self.events() if e.get("subject") == domain and ".domain." in e["type"]]

    def wait_event(self, kind, domain, after=0, where=lambda data: True, deadline_s=DEADLINE_S):
        """The first such event of the domain with a sequence above `after`."""
        def find():
            for event in self.domain_events(domain):
                if event["type"] == f"io.sesverify.domain.{kind}.v1" and int(event["sequence"]) > after \
                        and where(event["data"]):
                    return event
            return None
        try:
            return wait_for(find, f"{kind} of {domain}", deadline_s)
        except AssertionError as error:
            told = [(e["sequence"], e["type"].split(".")[3], e["data"]["conclusion"]) for e in self.domain_events(domain)]
            raise AssertionError(f"{error}; events: {told}") from None

    def wait_answer(self, entry_id):
        """The job.finished event of one job."""
        def find():
            return next((e for e in self.events() if e["id"] == f"job.0.{entry_id}"), None)
        return wait_for(find, f"the answer to {entry_id}", DEADLINE_S)

    # --- the clients' DNS ---

    def publish(self, domain, records, suffix="", without=()):
        """Replaces what is published for the domain; `without` are indices of records left out."""
        lines = [zone_line(r, suffix) for i, r in enumerate(records) if i not in without]
        self.publish_lines(domain, lines)

    def publish_lines(self, domain, lines):
        if self.dns is not None:
            self.dns.zone(domain, lines)
            return
        self.lines[domain] = lines
        self._write_zone()
        self.sandbox.process.send_signal(signal.SIGHUP)

    def publish_many(self, lines_by_domain):
        """Many domains in one step (the sandbox's DNS server only)."""
        self.lines.update(lines_by_domain)
        self._write_zone()
        self.sandbox.process.send_signal(signal.SIGHUP)

    def _write_zone(self):
        text = []  # Amazon's own records are the sandbox's
        for domain, lines in self.lines.items():
            text += [f"{domain}. 1 SOA ns.{domain}. hostmaster.{domain}. 1 3600 600 86400 1",
                     f"{domain}. 1 NS ns.{domain}.", f"{domain}. 1 MX 10 mx.{domain}.", f"mx.{domain}. 1 A 192.0.2.25",
                     *lines]
        fresh = self.zone_file.with_suffix(".new")
        fresh.write_text("\n".join(text) + "\n")
        fresh.replace(self.zone_file)


def shard_of(client_id, shards):
    return zlib.crc32(client_id.encode()) % shards
