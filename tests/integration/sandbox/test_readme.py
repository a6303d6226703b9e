"""Runs every example of the sandbox's README, and compares its tables with the program."""

import json
import pathlib
import re
import shlex
import subprocess

import pytest

from sandbox import Control, Sandbox, program

README = (pathlib.Path(__file__).resolve().parents[2] / "sandbox" / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)


def test_there_are_examples():
    assert len(BLOCKS) >= 6 and {kind for kind, _ in BLOCKS} == {"python", "sh"}


def curl(line, control):
    """Does what a simple curl command would; the machine may have no curl."""
    words = iter(shlex.split(line))
    assert next(words) == "curl"
    method, body, url = None, None, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-d":
            body = next(words)
        elif word != "-s":
            url = word.removeprefix("$CONTROL")
    return Control(control.url).call(method or ("GET" if body is None else "POST"), url, body and json.loads(body))


def test_examples(start):
    sb = start()
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "README.md", "exec"), {"SES": sb.ses_url, "Sandbox": Sandbox})
            continue
        sb.control.post("/identities/client.example", {"create": True})
        for line in text.splitlines():
            assert curl(line, sb.control) is not None


def test_every_option_is_told():
    told = set(re.findall(r"(?<!-)--[a-z][a-z-]+", README))
    known = set(re.findall(r"(?<!-)--[a-z][a-z-]+", subprocess.run([program(), "--help"], capture_output=True, text=True).stdout))
    assert known - told == {"--help", "--version"} and not told - known


@pytest.mark.parametrize("table", ["zone", "state", "identities", "records", "clock", "calls", "requests", "rate",
                                   "faults", "dns-faults", "dns-queries", "reset"])
def test_every_resource_is_told(table):
    source = (pathlib.Path(__file__).resolve().parents[2] / "sandbox" / "control.c").read_text()
    names = set(re.findall(r'^    \{"[A-Z]+", "([a-z-]+)"', source, re.M))
    assert table in names and f"/{table}" in README
    assert all(f"/{name}" in README for name in names)


def test_zone_example_is_valid(sb):
    text = re.search(r"^    (client\.example .*?)\n\n", README, re.M | re.S).group(1)
    sb.control.post("/zone", {"text": text})
    assert sb.control.get("/zone")["records"] == 4
