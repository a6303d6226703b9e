"""A private redis-server on a unix socket for the tests of this folder."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import checker
import redis_server
import sv_scripts


@pytest.fixture(scope="session")
def server():
    with redis_server.RedisServer() as private:
        yield private.client(decode_responses=False)


@pytest.fixture
def store(server):
    """Scripts over an empty database whose state must be consistent at the end of each test."""
    server.flushall()
    scripts = sv_scripts.Scripts(server)
    scripts.setup()
    yield scripts
    server.config_set("maxmemory", 0)
    if not getattr(scripts, "broken_on_purpose", False):
        assert checker.check(server) == []
