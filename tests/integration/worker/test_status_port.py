"""The status port of a running worker: pages, metrics as promtool likes them, clients that misbehave (F54)."""
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from sandbox import wait_for  # noqa: E402
from world import DEADLINE_S, World, address  # noqa: E402


def get(worker, path, method="GET"):
    """(status, headers, text)"""
    request = urllib.request.Request(f"http://{address(worker)}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def metrics(worker):
    """name{labels} -> value"""
    code, _, text = get(worker, "/metrics")
    assert code == 200
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.M)}


def test_pages():
    with World() as world:
        worker = world.start_worker()
        assert get(worker, "/livez")[0] == 200
        code, headers, text = get(worker, "/readyz")
        assert code == 200 and "[-]" not in text and "[+] redis" in text
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
        status = json.loads(get(worker, "/status")[2])
        assert status["phase"] == "running" and status["redis_ready"] and status["shards"] == 1
        assert "password" not in json.dumps(status)
        code, headers, text = get(worker, "/")
        assert code == 200 and headers["Content-Type"].startswith("text/html") and "metrics" in text
        assert get(worker, "/nothing")[0] == 404
        assert get(worker, "/livez", "HEAD")[2] == ""
        code, headers, _ = get(worker, "/livez", "DELETE")
        assert code == 405 and headers["Allow"] == "GET, HEAD"
        assert get(worker, "/livez?" + "a=b&" * 20)[0] == 200


def test_off_and_taken():
    """Without a port, and with one that somebody else has, the worker works all the same."""
    with World() as world, socket.create_server(("127.0.0.1", 0)) as other:
        world.start_worker(SESVERIFY_STATUS_LISTEN="off")
        taken = world.start_worker(SESVERIFY_STATUS_LISTEN=f"127.0.0.1:{other.getsockname()[1]}")
        assert "status_port_failed" in taken.text() and "Address already in use" in taken.text()
        assert "status_port" not in world.workers[0].text()


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost:1", "127.0.0.1:70000", "::1:80", "[::1]", "127.0.0.1:-1", "1.2.3.4.5:80"])
def test_addresses_that_are_none(listen):
    with World() as world:
        worker = world.start_worker(SESVERIFY_STATUS_LISTEN=listen)
        assert "neither ADDR:PORT" in worker.text()


def test_metrics_tell_what_happened():
    with World() as world:
        worker = world.start_worker()
        world.push("register", "client-1", "counted.example")
        registered = world.wait_event("registered", "counted.example")
        world.publish("counted.example", registered["data"]["dns_records"])
        world.wait_event("verified", "counted.example")
        world.push_raw("no json")
        wait_for(lambda: metrics(worker).get('sesverify_dead_jobs_total{reason="malformed_json"}') == 1, "the dead job", DEADLINE_S)
        shown = metrics(worker)
        assert shown['sesverify_jobs_taken_total{queue="0"}'] == 2
        assert shown['sesverify_jobs_finished_total{queue="0",outcome="done"}'] == 1
        assert shown['sesverify_state_changes_total{from="pending_verification",to="verified"}'] == 1
        assert shown['sesverify_job_age_seconds_count{kind="register"}'] == 1
        assert shown['sesverify_ses_requests_total{operation="CreateEmailIdentity",code="ok"}'] == 1
        assert shown['sesverify_dns_duration_seconds_count{transport="udp"}'] > 3
        assert any(name.startswith("sesverify_dns_queries_total{") for name in shown)
        assert shown["sesverify_redis_rtt_seconds_count"] > 5
        assert shown["sesverify_balance_violations_total"] == 0 and shown["sesverify_redis_reconnects_total"] == 0
        assert shown["process_resident_memory_bytes"] > 1e6
        assert abs(shown["process_start_time_seconds"] - time.time()) < 600
        wait_for(lambda: metrics(worker).get('sesverify_domains{state="verified"}') == 1, "the fleet to be measured", DEADLINE_S)
        assert metrics(worker)['sesverify_events_backlog{sink="outbox"}'] >= 3
        assert metrics(worker)['sesverify_queue_pending{queue="0"}'] == 0
        text = get(worker, "/metrics")[2]
        for secret in ("counted.example", "client-1", world.sandbox.environment()["AWS_SECRET_ACCESS_KEY"]):
            assert secret not in text


def test_promtool_finds_nothing():
    if shutil.which("promtool") is None:
        pytest.fail("promtool is missing: install the package prometheus")
    with World() as world:
        worker = world.start_worker()
        world.push("register", "c", "linted.example")
        world.wait_event("registered", "linted.example")
        done = subprocess.run(["promtool", "check", "metrics"], input=get(worker, "/metrics")[2], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0 and not done.stderr.strip(), done.stderr


def test_a_counter_that_does_not_add_up_is_told():
    with World() as world:
        worker = world.start_worker()
        world.redis.hincrby("sv:{0}:n", "accepted", 1)
        wait_for(lambda: metrics(worker)["sesverify_balance_violations_total"] >= 1, "the violation", DEADLINE_S)
        assert "balance_violated" in worker.text()
        world.redis.hincrby("sv:{0}:n", "accepted", -1)


def test_readiness_follows_redis_and_the_drain():
    """503 once Redis has been away for ten seconds; livez stays 200, since a restart would not bring Redis back."""
    with World() as world:
        worker = world.start_worker()
        world.redis_server.pause()
        try:
            wait_for(lambda: get(worker, "/readyz")[0] == 503, "not ready", 60)
            assert "[-] redis" in get(worker, "/readyz")[2] and get(worker, "/livez")[0] == 200
            assert metrics(worker)['sesverify_backoff_active{dependency="redis"}'] == 1
        finally:
            world.redis_server.resume()
        wait_for(lambda: get(worker, "/readyz")[0] == 200, "ready again", 60)
        assert metrics(worker)["sesverify_redis_reconnects_total"] >= 1


def test_F54_clients_that_misbehave():
    """Slow ones, many, and garbage: the worker goes on, and the places come free again."""
    seed = random.randrange(2 ** 32)
    print("seed", seed)
    rand = random.Random(seed)
    with World() as world:
        worker = world.start_worker()
        host, port = address(worker).split(":")
        slow = [socket.create_connection((host, int(port)), 10) for _ in range(16)]
        for connection in slow:
            connection.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        world.push("register", "c", "unaffected.example")
        world.wait_event("registered", "unaffected.example")

        def trickle():
            """A byte now and then must not keep a place for ever."""
            for connection in slow:
                try:
                    connection.sendall(b"x")
                except OSError:
                    pass
            return [c for c in slow if is_ended(c)]
        wait_for(lambda: len(trickle()) == 16, "the slow clients to be sent away", 60)
        for connection in slow:
            connection.close()
        for _ in range(10000):
            with socket.create_connection((host, int(port)), 30) as connection:
                try:
                    connection.sendall(rand.randbytes(rand.randrange(1, 60)))
                except OSError:
                    pass
        assert get(worker, "/livez")[0] == 200
        files = len(os.listdir(f"/proc/{worker.pid}/fd"))
        assert files < 1500, files
        assert worker.alive()


def is_ended(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
