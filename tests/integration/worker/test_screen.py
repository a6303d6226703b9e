"""What people look at: health, stats and top, of a real worker."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cli_schemas  # noqa: E402
from sandbox import wait_for  # noqa: E402
from screen import Screen  # noqa: E402
from world import DEADLINE_S, World, address, worker_program  # noqa: E402


@pytest.fixture(scope="module")
def place():
    """A world with a verified, a pending and a hopeless domain, and a dead letter."""
    with World() as world:
        worker = world.start_worker()
        for domain in ("good.example", "pending.example"):
            world.push("register", "acme", domain)
        world.push_raw("{no json")
        world.publish("good.example", world.wait_event("registered", "good.example")["data"]["dns_records"])
        world.wait_event("verified", "good.example")
        world.wait_event("registered", "pending.example")
        yield world, worker


def run(world, *words, **more):
    return subprocess.run([worker_program(), *words], env=world.environment(**more), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def objects(done, schema):
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    validator = cli_schemas.load(schema)
    for value in out:
        assert cli_schemas.faults(validator, value) == []
    return out


# --- health ---

def test_health_says_ready(place):
    world, worker = place
    begun = time.monotonic()
    done = run(world, "health", "--port", address(worker))
    print(f"health took {time.monotonic() - begun:.3f} s")
    assert (done.returncode, done.stderr) == (0, "") and "yes  redis answers" in done.stdout
    told, = objects(run(world, "health", "--json", SESVERIFY_STATUS_LISTEN=address(worker)), "health")
    assert told["ready"] and all(check["passed"] for check in told["checks"])
    wild = "0.0.0.0:" + address(worker).rpartition(":")[2]
    assert run(world, "health", SESVERIFY_STATUS_LISTEN=wild).returncode == 0


def test_health_without_anybody(place):
    world, _ = place
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = "127.0.0.1:%d" % other.getsockname()[1]
    done = run(world, "health", "--port", free)
    assert (done.returncode, done.stdout) == (69, "") and free in done.stderr


def test_health_of_a_port_that_is_none(place):
    world, _ = place
    assert run(world, "health", SESVERIFY_STATUS_LISTEN="off").returncode == 78
    assert run(world, "health", SESVERIFY_STATUS_LISTEN="127.0.0.1:0").returncode == 78
    for wrong in ("9425", "127.0.0.1", ":1", "127.0.0.1:70000", "a b:1", "::1:80", "x@y:1", "h/x:1"):
        done = run(world, "health", "--port", wrong)
        assert done.returncode == 64 and "neither ADDR:PORT" in done.stderr, wrong


def test_health_of_a_worker_that_is_not_ready():
    """75: it is there, and Redis is not yet."""
    with World() as world:
        worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL="redis://127.0.0.1:1")
        done = run(world, "health", "--port", address(worker))
        assert done.returncode == 75 and "no   started" in done.stdout
        told = json.loads(run(world, "health", "--json", "--port", address(worker)).stdout)
        assert not told["ready"]
        worker.kill()
        world.workers.clear()


# --- stats ---

def test_stats(place):
    world, worker = place
    told, = objects(run(world, "stats", "--json", "--port", address(worker)), "stats")
    totals = told["totals"]
    assert totals["status_verified"] == 1 and totals["dead_letters"] == 1 and totals["dead"] == 1
    assert totals["accepted"] == totals["done"] + totals["rejected"] + totals["coalesced"] + totals["dead"] + totals["open"]
    assert told["shards"][0]["counters"] == totals
    assert told["worker"]["worker"].startswith("w1.") and told["worker"]["work"]["checks_committed"] > 0
    text = run(world, "stats", "--port", address(worker)).stdout
    assert re.search(r"^COUNTER +TOTAL$", text, re.M) and re.search(r"^status_verified +1$", text, re.M)
    assert "worker w1." in text
    numbers = [line for line in text.splitlines() if re.search(r" \d+$", line)]
    assert len({len(line) for line in numbers}) == 1  # they align


def test_stats_without_worker_or_redis(place):
    world, _ = place
    told, = objects(run(world, "stats", "--json"), "stats")
    assert told["worker"] is None
    done = run(world, "stats", SESVERIFY_REDIS_URL="redis://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (69, "") and "Redis" in done.stderr


# --- top ---

PARTS = ("RATES", "IN FLIGHT", "JOBS", "LOOKS", "EVENTS", "ERRORS", "DOMAINS", "ACCOUNT", "SLOWEST")


def open_top(place, columns, rows, *words, **more):
    world, worker = place
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SESVERIFY_STATUS_LISTEN": address(worker), **more}
    return Screen([worker_program(), "top", *words], environment, columns, rows)


@pytest.mark.parametrize("columns, rows", [(80, 24), (200, 50)])
def test_top_on_a_terminal(place, columns, rows):
    screen = open_top(place, columns, rows)
    try:
        text = screen.wait(lambda text: re.search(r"checks [0-9.]+/s", text) and re.search(r"verified +1 ", text))
        print(text)
        assert all(part in text for part in PARTS) and "ok" in text
        assert screen.alternate and not screen.cursor and "\x1b[3" in screen.raw
        first = re.search(r"\d\d:\d\d:\d\d UTC", text).group()
        screen.wait(lambda text: first not in text)  # it lives
        screen.type("q")
        assert screen.ends() == 0
        assert not screen.alternate and screen.cursor and screen.modes() == screen.modes_before
        assert screen.process.stderr.read() == b""
    finally:
        screen.close()


@pytest.mark.parametrize("how", ["key", "interrupt", "term", "hup", "int"])
def test_top_gives_the_terminal_back(place, how):
    screen = open_top(place, 80, 24)
    try:
        screen.wait(lambda text: "RATES" in text)
        assert screen.modes() != screen.modes_before and screen.alternate
        if how == "key":
            screen.type("xQ")
        elif how == "interrupt":
            screen.type("\x03")
        else:
            screen.signal({"term": signal.SIGTERM, "hup": signal.SIGHUP, "int": signal.SIGINT}[how])
        assert screen.ends() == 0
        assert not screen.alternate and screen.cursor and screen.modes() == screen.modes_before
    finally:
        screen.close()


def test_top_stops_and_goes_on(place):
    """Ctrl-Z gives the terminal back until the shell brings the program to the foreground again."""
    screen = open_top(place, 80, 24)
    try:
        screen.wait(lambda text: "RATES" in text)
        screen.signal(signal.SIGTSTP)
        wait_for(lambda: screen.read(0.1) and not screen.alternate and screen.modes() == screen.modes_before, "the stop", 10)
        screen.signal(signal.SIGCONT)
        screen.wait(lambda text: "RATES" in text)
        assert screen.alternate and screen.modes() != screen.modes_before
        screen.type("q")
        assert screen.ends() == 0 and screen.modes() == screen.modes_before
    finally:
        screen.close()


def test_top_follows_the_size(place):
    screen = open_top(place, 120, 40)
    try:
        screen.wait(lambda text: "SLOWEST" in text)
        screen.resize(50, 10)
        screen.signal(signal.SIGWINCH)
        text = screen.wait(lambda text: "RATES" in text and "SLOWEST" not in text)
        assert max(map(len, text.splitlines())) <= 50
        screen.resize(120, 40)
        screen.signal(signal.SIGWINCH)
        screen.wait(lambda text: "SLOWEST" in text)
        screen.type("q")
        assert screen.ends() == 0
    finally:
        screen.close()


def test_top_without_colour_or_utf8(place):
    screen = open_top(place, 80, 24, NO_COLOR="1", LANG="C")
    try:
        text = screen.wait(lambda text: re.search(r"verified +1  #+$", text, re.M))
        assert "\x1b[3" not in screen.raw and "\x1b[1m" not in screen.raw and text.isascii()
        screen.type("q")
        assert screen.ends() == 0
    finally:
        screen.close()


def test_top_in_a_pipe(place):
    world, worker = place
    done = run(world, "top", "--once", "--port", address(worker), COLUMNS="80")
    assert done.returncode == 0 and done.stderr == "" and "\x1b" not in done.stdout
    assert all(part in done.stdout for part in PARTS) and re.search(r"checks [0-9.]+/s", done.stdout)
    for columns in (46, 49, 80):  # the narrow ones end between two words
        lines = run(world, "top", "--once", "--port", address(worker), COLUMNS=str(columns)).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        assert not [line for line in lines if line != line.rstrip()]
    told, = objects(run(world, "top", "--once", "--json", "--port", address(worker)), "top")
    assert told["per_minute"]["checks"] >= 0 and told["worker"]["fleet"]["domains"]["verified"] == 1


def test_top_as_json_goes_on(place):
    """One object a look, until nobody reads any more."""
    world, worker = place
    with subprocess.Popen([worker_program(), "top", "--json", "--port", address(worker)], env=world.environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdout.close()
        process.wait(DEADLINE_S)
        assert process.stderr.read() == ""
    assert told[0]["per_minute"] is None and told[2]["per_minute"] is not None
    assert told[0]["worker"]["time"] < told[2]["worker"]["time"]


def test_top_when_the_worker_goes_and_comes():
    with World() as world:
        worker = world.start_worker()
        where = address(worker)
        screen = open_top((world, worker), 80, 24)
        try:
            screen.wait(lambda text: "RATES" in text)
            worker.stop()
            world.workers.clear()
            screen.wait(lambda text: "old figures:" in text)
            again = world.start_worker(SESVERIFY_STATUS_LISTEN=where)
            screen.wait(lambda text: "old figures:" not in text and again.name in text)
            screen.type("q")
            assert screen.ends() == 0
        finally:
            screen.close()
        again.stop()
        done = run(world, "top", "--port", where)
        assert done.returncode == 69 and where in done.stderr and done.stdout == ""
        world.workers.clear()


def test_status_keeps_domains_to_itself():
    """status.domains = false: figures only."""
    with World() as world:
        worker = world.start_worker(SESVERIFY_STATUS_DOMAINS="false")
        told = json.loads(run(world, "top", "--once", "--json", "--port", address(worker)).stdout)["worker"]
        assert "slowest" not in told and "fleet" in told
        assert "SLOWEST" not in run(world, "top", "--once", "--port", address(worker)).stdout
