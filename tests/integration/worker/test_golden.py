"""Each job as `enqueue` writes it and each output of a command as JSON, byte for byte as tests/golden keeps them.

What differs from run to run (times, ports, ids of entries, counts of what comes in its own time) is replaced by its kind. A
change of these files is a change of the contract: SV_GOLDEN=write rewrites them, and the diff is what to think about. The
events themselves are in tests/unit/drive/test_golden.c."""
import json
import os
import pathlib
import random
import re

import pytest

import cli_schemas
import contract
from mutations import mutations
from sandbox import wait_for
from world import DEADLINE_S, World, address

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"
SEED = int(os.environ.get("SV_TEST_SEED", random.randrange(1 << 32)))
CLIENT, NAME = "acme", "client.example"
JOBS = {
    "register": ["--mail-from", "bounce", "--email", "dns@client.example", "--id", "signup-17", "--legacy-txt",
                 "--traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    "recheck": ["--id", "look-1"],
    "adopt": ["--account", "default"],
    "remove": ["--delete-identity"],
}
KINDS = [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>"), (r"\d{13}-\d+", "<entry>"), (r"^\d{13}$", "<epoch>"),
         (r"(unix|rediss?(\+\w+)?)://.*", "<redis>"), (r"127\.0\.0\.1:\d+", "<server>"),
         (r"(?<![\w.])/(?:tmp|var)/[\w./-]+", "<path>"), ("the next look at the domain is due", "the next look at the domain")]
IN_ITS_OWN_TIME = {"ttl", "events", "receipts", "keys", "sequence", "blind_looks", "payload_bytes", "seen", "moved", "dead"}
OF_THE_PLACE = {"epoch", "by", "version", "commit", "redis"}
FIGURES = {"top", "stats"}  # all their numbers come in their own time
PROGRAM = """#!/bin/sh
while read -r event; do
    printf '%s\\n' "$event" | sed 's/.*"id":"\\([^"]*\\)".*/refused \\1 no such account/'
done
"""


def normal(value, name="", figures=False):
    if isinstance(value, dict):
        if figures and "worker" in value and isinstance(value["worker"], str):
            value = {**value, "worker": "<worker>"}
        return {key: normal(item, key, figures) for key, item in value.items()}
    if isinstance(value, list):
        return [normal(item, name, figures) for item in value]
    if isinstance(value, str):
        if name in OF_THE_PLACE:
            return f"<{name}>"
        for pattern, kind in KINDS:
            value = re.sub(pattern, kind, value)
    if (figures or name in IN_ITS_OWN_TIME) and isinstance(value, int) and not isinstance(value, bool):
        return "<number>"
    return value


def compare(path, text):
    path = GOLDEN / path
    if os.environ.get("SV_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} is not what is told any more"


class Told:
    """One of each output of a small installation."""

    def __init__(self, world, config):
        self.world = world
        self.config = config
        self.lines = {}

    def ask(self, *words, code=0):
        """The first line that a command prints is kept, by the name of its schema."""
        done = self.world.command(*words, "--json", *(() if "--config" in words else ("--config", self.config)))
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        line = json.loads(done.stdout.splitlines()[0])
        self.lines.setdefault(line["schema"], line)
        return line

    def live(self):
        world = self.world
        self.ask("enqueue", "register", "--client", CLIENT, "--domain", NAME, *JOBS["register"], "--wait")
        world.wait_event("updated", NAME, where=lambda data: data["conclusion"] == "dns_wrong")
        records = world.wait_event("registered", NAME)["data"]["dns_records"]
        world.publish(NAME, records)
        world.wait_event("verified", NAME)
        wait_for(self.is_settled, "everything to be right", DEADLINE_S)
        self.tokens = [record["host"].split(".")[0] for record in records if record["type"] == "CNAME"]
        world.wait_answer(world.push_raw('{"type":"register","client_id":"acme"}'))

    def watch(self, worker):
        """What only a worker that runs can tell."""
        port = ("--port", address(worker))
        wait_for(self.is_measured(*port), "the figures of the shard", DEADLINE_S)
        self.ask("health", *port)
        self.ask("stats", *port)
        self.ask("top", "--once", *port)["worker"]["slowest"] = []

    def is_measured(self, *port):
        def look():
            worker = json.loads(self.world.command("stats", "--json", *port).stdout)["worker"]
            return worker["fleet"]["measured_at"] and worker["sinks"][0]["failed_at"] and not worker["sinks"][0]["waiting"]
        return look

    def is_settled(self):
        told = json.loads(self.world.command("explain", NAME, "--json").stdout)
        return told["conclusion"] == "all_good" and not told["findings"] and not told["checking"] and all(
            record["status"] == "ok" and record["until"] is None for record in told["dns_records"])

    def look(self):
        for command in ("status", "explain"):
            self.ask(command, NAME)
        self.ask("records", NAME, "--client", CLIENT)
        self.ask("events", "tail", "--from", "0", "--no-follow", "--count", "1")
        self.ask("dead", "list")
        self.ask("dead", "retry", "--all", "--dry-run")
        self.ask("sinks", "list")
        self.ask("sinks", "dead", "pipe")
        self.ask("sinks", "replay", "pipe", "--dead", "--dry-run")
        self.ask("pause", "--client", CLIENT, "--why", "an audit")
        self.ask("pause")
        self.ask("resume", "--client", CLIENT)
        self.ask("doctor")
        self.ask("import", "--client", CLIENT, "--dry-run")
        self.ask("check", NAME, "--mail-from", "bounce", "--region", "eu-west-1",
                 *(word for token in self.tokens for word in ("--token", token)))
        self.ask("config", "show")["settings"][3:] = []  # a new setting is no news here
        wrong = self.world.folder / "wrong.conf"
        wrong.write_text("[redis]\nshards = 3\nunheard = of\n")
        self.ask("config", "check", "--config", wrong, code=78)
        self.world.redis.delete("sv:{0}:sink:pipe:dead")  # what a sink has given up belongs to its shard
        self.ask("reshard", "2", "--dry-run")


@pytest.fixture(name="told", scope="module")
def make_told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sink")
    program, config = folder / "take", folder / "sesverify.conf"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    config.write_text(f"[sink pipe]\nkind = exec\ncommand = {program}\n")
    with World() as world:
        world.publish(NAME, [])
        worker = world.start_worker(args=("--config", config))
        told = Told(world, config)
        told.live()
        told.watch(worker)
        assert worker.stop() == 0
        told.look()
        yield told


def test_every_output_is_as_it_was(told):
    for word, line in told.lines.items():
        line.get("changes", [])[:-1] = []  # what follows the first one comes together or one by one
        line.update({"restarted_at": None} if "restarted_at" in line else {})
        name = word.removeprefix("sesverify.").removesuffix(".v1")
        shown = {**line, "worker": "<as top tells>"} if name == "stats" else line
        compare(f"outputs/{name}.json", json.dumps(normal(shown, figures=name in FIGURES), indent=2, ensure_ascii=False) + "\n")
    assert {path.stem for path in (GOLDEN / "outputs").iterdir()} == {word.split(".")[1] for word in told.lines}


# What need not be there, and what is somebody else's text.
OPTIONAL = (r"(event|finished)\.(subject|traceparent|data\.(entry_id|type|client_id|account|domain|domain_id|contact_email|finished_at|"
            r"identity_existed|job_id|verification_token|changed\.\w+))|changes\.\d+\.set\.\w+|looked_at\.\w+|calls\.\w+|counts\.\w+|"
            r"totals\.\w+|shards\.\d+\.counters\.\w+|worker\.(work|fleet|queues|accounts|paused|sinks|errors|slowest|sinks\.\d+\.error)")
FREE = (r".*\b(client_id|account|domain|subject|contact_email|job_id|name|host|value|seen|owner|expected|found|other|server|seen_by|term|"
        r"text|purpose|description|advice|tell_client|meaning|mail_meaning|says|why|by|error|type|reason|estimated_propagation|"
            r"verification_token|region|origin|file|where|record_at|organizational_domain|not_checked|term|payload|new|"
        r"version|commit|worker|redis|url|check|event_id|sink|entry|trouble|step)(\.\d+)?")


def test_spoiled_outputs_are_refused(told):
    """Of every output twenty ways to spoil it, drawn by lot; SV_TEST_ALL=1 tries all of them."""
    for word, line in told.lines.items():
        ways = list(mutations(line, OPTIONAL, FREE))
        if "SV_TEST_ALL" not in os.environ:
            ways = random.Random(SEED).sample(ways, min(20, len(ways)))
        validator = cli_schemas.load_open(contract.names()[word])
        for path, what, message in ways:
            assert not validator.is_valid(message), f"seed {SEED}: {word}: {path} {what} passes"


@pytest.mark.parametrize("kind", JOBS)
def test_every_job_is_as_it_was(told, kind):
    world = told.world
    world.command("enqueue", kind, "--client", CLIENT, "--domain", NAME, *JOBS[kind])
    [(_, fields)] = world.redis.xrevrange("sv:{0}:jobs", count=1)
    compare(f"jobs/{kind}.json", fields[b"job"].decode() + "\n")


def test_golden_events_are_valid():
    paths = list((GOLDEN / "events").glob("*.json"))
    assert len(paths) == 8
    for path in paths:
        event = json.loads(path.read_text())
        if "sequence" in event and "epoch" in contract.validator("domain-event").schema["properties"]:
            event["epoch"] = "1764412345678"  # Redis puts it in front
        assert not contract.faults_of_event(event), path
