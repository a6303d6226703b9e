"""Runs every example of README.md and docs/dns.md that is marked `<!-- runnable -->`, in order, in one world; each command must
succeed."""
import os
import pathlib
import re
import shlex
import subprocess

from world import World, worker_program

ROOT = pathlib.Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
TEXTS = [README, (ROOT / "docs" / "dns.md").read_text()]
BLOCKS = [block for text in TEXTS for block in re.findall(r"^<!-- runnable -->\n```sh\n(.*?)^```$", text, re.M | re.S)]


def test_every_sh_block_is_marked():
    assert len(BLOCKS) >= 5 and sum(text.count("```sh\n") for text in TEXTS) == len(BLOCKS)


def test_examples(tmp_path):
    with World() as world:
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "sesverify").symlink_to(worker_program())
        wrapper = tools / "redis-cli"  # which knows where; -e: an error reply is a failure
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/redis-cli -e {shlex.join(world.redis_server.cli())} "$@"\n')
        wrapper.chmod(0o755)
        environment = {**world.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}
        world.start_worker()
        for block in BLOCKS:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], env=environment, cwd=tmp_path, check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and done.stdout, f"{block}\n{done.stdout}\n{done.stderr}"
        assert {e["type"].split(".")[3] for e in world.domain_events("client.example")} >= {"registered"}


def test_files_that_are_named_exist():
    for name in ("deploy/quickstart", "tests/run", ".ci/run"):
        assert name in README and os.access(ROOT / name, os.R_OK)
    for name in re.findall(r"`([a-z]+(?:/[a-z]+)*)/`", README):
        assert (ROOT / name).is_dir(), name
