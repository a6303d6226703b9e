"""A private redis-server on a unix socket for the tests of this folder."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest
import redis as redis_module

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import checker
import sv_scripts


@pytest.fixture(scope="session")
def server():
    folder = tempfile.mkdtemp(prefix="sv-redis-")
    socket = folder + "/redis.sock"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "",
         "--appendonly", "no", "--maxmemory-policy", "noeviction"],
        stdout=subprocess.DEVNULL)
    try:
        client = redis_module.Redis(unix_socket_path=socket)
        wait_for(client)
        yield client
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def wait_for(client):
    deadline = time.monotonic() + 20
    while True:
        try:
            client.ping()
            return
        except redis_module.exceptions.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@pytest.fixture
def store(server):
    """Scripts over an empty database whose state must be consistent at the end of each test."""
    server.flushall()
    server.config_set("maxmemory", 0)
    scripts = sv_scripts.Scripts(server)
    scripts.setup()
    yield scripts
    server.config_set("maxmemory", 0)
    if not getattr(scripts, "broken_on_purpose", False):
        assert checker.check(server) == []
