"""Every command and every line of code in the pages for newcomers, operators and developers is run: each page in a world of its own,
in order, and each block must succeed."""
import os
import pathlib
import re
import shlex
import subprocess
import threading

import pytest

from redis_variant import first
from world import World, worker_program

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"
PAGES = ["getting-started", "production", "troubleshooting", "platform"]
BLOCK = re.compile(r"^<!-- runnable -->\n```(sh|python)\n(.*?)^```$", re.M | re.S)


def page(name):
    return (DOCS / f"{name}.md").read_text()


@pytest.fixture(name="world")
def make_world(tmp_path):
    with World(settings={"SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100"}, redis={"small": True}) as world:
        server = first(world.redis_server)  # code of the pages asks one
        world.start_worker()
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "sesverify").symlink_to(worker_program())
        wrapper = tools / "redis-cli"  # which knows where; -e: an error reply is a failure
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/redis-cli -e {shlex.join(server.cli())} "$@"\n')
        wrapper.chmod(0o755)
        world.shell = {**world.environment(), "PATH": f"{tools}:{os.environ['PATH']}",
                       "REDIS_URL": f"unix://{server.path}"}
        yield world


def run(world, folder, *words):
    done = subprocess.run(words, env=world.shell, cwd=folder, check=False, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=90)
    assert done.returncode == 0, f"{words[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_marked(name):
    kinds = [kind for kind, _ in BLOCK.findall(page(name))]
    assert len(kinds) >= 4
    for kind in ("sh", "python", "bash", "console", "js", "c"):
        assert page(name).count(f"```{kind}\n") == kinds.count(kind), kind


@pytest.mark.parametrize("name", PAGES[:3])
def test_commands(world, tmp_path, name):
    if name == "troubleshooting":  # there is something to explain
        world.wait_answer(world.push("register", "acme", "shop.example", mail_from="bounce"))
        world.wait_answer(world.push_raw('{"type":"register","client_id":"acme"}'))
    for _, block in BLOCK.findall(page(name)):
        out = run(world, tmp_path, "bash", "-euo", "pipefail", "-c", block)
        assert out, block


def test_platform(world, tmp_path):
    def client():
        """Enters the records when they are told."""
        world.publish("client.example", world.wait_event("registered", "client.example")["data"]["dns_records"])
    entering = threading.Thread(target=client, daemon=True)
    world.publish("client.example", [])
    entering.start()
    program = tmp_path / "all_of_it.py"
    program.write_text("\n\n".join(block for _, block in BLOCK.findall(page("platform"))))
    lines = run(world, tmp_path, "/usr/bin/python3", str(program)).splitlines()
    entering.join()
    told = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
    assert sum("._domainkey CNAME " in line for line in lines) == 3 and any(line.startswith("  bounce MX 10 ") for line in lines)
    assert told["before"] == "(False, 'pending_verification')" and told["after"] == "(True, 'verified')"
    assert told["somebody else"] == "(False, 'not_registered')" and told["removed"] == "(False, 'removed')"
    assert told["verify now"].split()[0] in ("done", "coalesced")


def test_every_code_of_troubleshooting_exists():
    """And every conclusion, and why nothing could be told, is there."""
    known = set(re.findall(r"^\| `(\w+)` \|", page("findings"), re.M))
    tables = dict(re.findall(r"^## (By \w+|cannot_tell)\n(.*?)(?=^## )", page("troubleshooting"), re.M | re.S))

    def first(title):
        return {word for row in re.findall(r"^\| (.*?) \|", tables[title], re.M) for word in re.findall(r"`(\w+)`", row)}
    assert first("By code") <= known, first("By code") - known
    contract = page("jobs-and-events")
    for title, section, heading in (("By conclusion", "Conclusions", "conclusion"),
                                    ("cannot_tell", "Why nothing could be told", "cannot_tell_because")):
        rows = re.search(rf"^## {section}\n(.*?)^## ", contract, re.M | re.S).group(1)
        assert first(title) - {heading} == set(re.findall(r"^\| `(\w+)` \|", rows, re.M)), title
