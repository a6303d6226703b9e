"""`sesverify doctor` for other tests: the real program's opinion of a Redis."""
import json
import os
import subprocess

import contract
from world import DEADLINE_S, worker_program


def report(environment, *words, shards=1, settings=()):
    """The whole report; `environment` as of a worker of that Redis, `settings` more of "section.key=value"."""
    given = [f"redis.shards={shards}", *settings]
    done = subprocess.run(
        [worker_program(), "doctor", *words, "--json", *(part for one in given for part in ("--set", one))],
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
    assert done.returncode in (0, 1, 75), f"doctor ended with {done.returncode}: {done.stderr}"
    told = json.loads(contract.outputs(done.stdout))
    assert done.returncode == {"right": 0, "wrong": 1, "undecidable": 75}[told["verdict"]]
    return told


def sentences(told, warnings=True):
    """Its findings, a line each; empty = content."""
    return [f'{one["code"]} {one["subject"]}: {one["text"]}' for one in told["findings"]
            if warnings or one["severity"] == "fault"]


def complaints(world, shards=1, prefix="sv"):
    """What it says of a world at rest, warnings and what it cannot decide too; empty = content."""
    told = report(world.environment(), shards=shards, settings=[f"redis.prefix={prefix}"])
    undecided = [f'invariant {one["number"]} is undecided' for one in told["invariants"] if one["verdict"] == "undecided"]
    return [f"doctor: {one}" for one in sentences(told) + undecided]
