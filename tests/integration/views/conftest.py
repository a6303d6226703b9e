"""One lab for the whole session, in a network of its own, and the probe that asks it."""
import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from lab_session import lab, pytest_cmdline_main  # noqa: E402,F401


class Seen:
    """What one run of the probe printed."""

    def __init__(self, done, took_s):
        assert done.returncode == 0, done.stderr
        self.took_s = took_s
        told = json.loads(done.stdout)
        self.reports, self.queries = told["reports"], told["queries"]
        self.only = self.reports[0]
        self.log = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


@pytest.fixture
def ask(lab):
    """ask("owned:TXT:client.com", ...) -> Seen, with the lab's root and resolvers unless told otherwise."""
    from bad_days import run_timed
    from dns_lab import RESOLVERS, ROOT

    def run(*words, resolvers=("r1", "r2", "r3"), root=ROOT, private=True, options=()):
        command = [os.environ["VIEWS_PROBE"], *map(str, options)]
        for resolver in resolvers:
            command += ["--resolver", RESOLVERS.get(resolver, resolver)]
        command += ["--root", root] if root else []
        command += ["--allow-private"] if private else []
        return Seen(*run_timed([*command, *words], lab.resolvers["r1"].process.pid))

    return run
