"""The kind of Redis that SV_TEST_REDIS asks for, and ../redis_exceptions.txt: the tests that do not follow it.

A server that is not of that kind (redis_variant.make) is started by listed tests only, and one of the kind by none that is listed
as having only its own. conftest.py of each folder whose tests start a Redis imports the two hooks of pytest."""
import functools
import json
import os
import pathlib
import sys

import pytest

LIST = pathlib.Path(__file__).resolve().parents[1] / "redis_exceptions.txt"
KINDS = ("plain", "aof", "acl", "tls", "sentinel", "cluster", "valkey")
OWN, BESIDE, NONE = "own", "beside", "none"
_running = {"failures": 0}  # and "test"


def kind():
    word = os.environ.get("SV_TEST_REDIS", "plain")
    assert word in KINDS, f"SV_TEST_REDIS={word} is none of {', '.join(KINDS)}"
    return word


@functools.cache
def exceptions():
    """(test, words, reason) of each line."""
    lines = (line.split(maxsplit=2) for line in LIST.read_text().splitlines() if line and not line.startswith("#"))
    return [(test, words.split(","), reason) for test, words, reason in lines]


def find(test):
    """What the list says of "folder/file.py::test_name[parameter]": words and reason."""
    for name, words, reason in exceptions():
        if test == name or test.startswith((name + "::", name + "[")) or (name.endswith("/") and test.startswith(name)):
            return words, reason
    return [], None


def running():
    """The test of pytest, or the script, that runs."""
    return _running.get("test") or "/".join(pathlib.Path(sys.argv[0]).resolve().parts[-2:])


def failures():
    """How many tests of pytest failed so far."""
    return _running["failures"]


def check_own():
    """Somebody starts a server that is not of the kind."""
    words, _ = find(running())
    assert OWN in words or BESIDE in words, \
        f"{running()} starts a Redis of its own, whatever SV_TEST_REDIS says: use redis_variant.make, or tell why in {LIST.name}"


def check_made():
    """Somebody starts one of the kind."""
    words, _ = find(running())
    assert OWN not in words, f"{running()} starts a Redis of the kind that is asked for: {LIST.name} is wrong about it"
    note(made=kind())


def reason_against(test):
    """Why the test is not run on the kind; None = it is. With SV_TEST_REDIS_EXCEPTED those of the kind run all the same."""
    words, reason = find(test)
    if kind() != "plain" and (OWN in words or (kind() in words and not os.environ.get("SV_TEST_REDIS_EXCEPTED"))):
        return reason
    return None


def note(**what):
    """A line for tests/redis-kinds."""
    path = os.environ.get("SV_TEST_REDIS_LEDGER")
    if path:
        with open(path, "ab", buffering=0) as file:
            file.write((json.dumps(what) + "\n").encode())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before fixtures: those of a module are set up for its first test that is run."""
    _running["test"] = f"{item.path.parent.name}/{item.path.name}::{item.name}"
    reason = reason_against(running())
    if reason:
        note(test=running(), outcome="excepted", reason=reason)
        pytest.skip(f"not on {kind()}: {reason}")


def pytest_runtest_logreport(report):
    _running["failures"] += report.failed
    if report.when == "call" or report.failed:
        note(test=running(), outcome=report.outcome)
