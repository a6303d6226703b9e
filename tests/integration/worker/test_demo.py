"""The demonstration: what newcomers see first has to end well, say what went wrong, and leave nothing behind."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest

import contract
import redis_kind
from sandbox import program as sandbox_program
from sandbox import wait_for
from sigv4_judge import Record
from world import worker_program

DEADLINE_S = 110


def children(pid):
    """Processes below this one."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        if int(fields[1]) == pid:
            found += [int(folder.name), *children(int(folder.name))]
    return found


def is_there(pid):
    return os.path.exists(f"/proc/{pid}")


class Demo:
    def __init__(self, folder, *args):
        self.out, self.err = folder / "out", folder / "err"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SESVERIFY_"))}
        self.record = Record()
        self.process = subprocess.Popen(
            [worker_program(), "demo", "--sandbox", sandbox_program(), *args],
            env={**environment, **self.record.environment},
            stdin=subprocess.DEVNULL, stdout=self.out.open("w"), stderr=self.err.open("w"))

    def wait_started(self):
        """Waits for its three programs; their process ids."""
        return wait_for(lambda: len(children(self.process.pid)) >= 3 and children(self.process.pid), "three programs", 60)

    def wait_gone(self, pids):
        wait_for(lambda: not any(is_there(pid) for pid in pids), f"{pids} to be gone", 60)


@pytest.fixture(name="demo")
def make_demo(tmp_path):
    started, failures = [], redis_kind.failures()

    def start(*args):
        started.append(Demo(tmp_path, *args))
        return started[-1]
    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()
        else:  # nothing was cut off in the middle of a line
            demo.record.close()
        for folder in re.findall(r"the logs are in (/tmp/sesverify-demo-\w+)", demo.err.read_text()):
            if redis_kind.failures() == failures:
                shutil.rmtree(folder)


def test_demo_ends_well(demo):
    story = demo("--json")
    pids = story.wait_started()
    assert story.process.wait(DEADLINE_S) == 0, story.err.read_text() + story.out.read_text()[-2000:]
    lines = [json.loads(line) for line in contract.outputs(story.out.read_text()).splitlines()]
    assert lines[-1]["schema"] == "sesverify.demo.v1" and lines[-1]["right"] is True
    assert {row["status"] for row in lines[-1]["domains"]} == {"verified", "failed"}
    assert all(row["right"] for row in lines[-1]["domains"])
    assert story.record.close() > 10
    last = {event["subject"]: event["data"] for event in lines if "domain." in event.get("type", "")}
    for domain, data in last.items():
        codes = {finding["code"] for finding in data["findings"] if finding["severity"] != "info"}
        assert codes == {"gone.example": {"dkim_cname_partial"}, "silent.example": codes}.get(domain, set()), domain
    told = {finding["code"] for event in lines for finding in event.get("data", {}).get("findings") or ()}
    assert {"dkim_cname_doubled_suffix", "spf_too_many_lookups", "dkim_cname_partial"} <= told
    assert story.err.read_text() == ""
    story.wait_gone(pids)


def test_demo_keeps_up_for_a_look_around(demo):
    story = demo("--keep")
    pids = story.wait_started()
    wait_for(lambda: "explain silent.example" in story.out.read_text(), "the end of the story", DEADLINE_S)
    url = re.search(r"redis\.url=(\S+)", story.out.read_text()).group(1)
    explained = subprocess.run([worker_program(), "explain", "silent.example", "--set", f"redis.url={url}"],
                               capture_output=True, text=True, timeout=60)
    assert explained.returncode == 1 and "dkim_cname_missing" in explained.stdout, explained
    story.process.send_signal(signal.SIGINT)
    assert story.process.wait(60) == 0
    out = story.out.read_text()
    assert out.count("Still up") == 1
    assert re.search(r"spf_too_many_lookups\n +The SPF record at mail\.crowded\.example needs up to 12 look-ups, and", out), out
    story.wait_gone(pids)


def test_demo_without_dns_says_who_did_not_arrive(demo):
    story = demo("--deadline", "12s")
    pids = story.wait_started()
    control = wait_for(lambda: re.search(r"control (http://\S+)", story.out.read_text()), "the control address", 60).group(1)
    request = urllib.request.Request(control + "/dns-faults", json.dumps([{"do": "drop", "count": -1}]).encode(),
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).read()
    assert story.process.wait(DEADLINE_S) == 1
    out = story.out.read_text()
    assert "Some domains did not end where they should." in out
    assert re.search(r"slow\.example .*\n +should have ended verified", out), out
    assert "the deadline passed" in story.err.read_text() and "logs are in" in story.err.read_text()
    story.wait_gone(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_is_interrupted(demo, number):
    story = demo()
    pids = story.wait_started()
    wait_for(lambda: "registered" in story.out.read_text(), "the story to begin", 60)
    story.process.send_signal(number)
    story.process.wait(60)
    assert story.process.returncode == 1
    assert "interrupted" in story.err.read_text()
    story.wait_gone(pids)


def test_demo_without_redis_server(demo):
    story = demo("--redis-server", "/nonexistent/redis-server")
    assert story.process.wait(60) == 1
    assert "cannot start /nonexistent/redis-server" in story.err.read_text()
