"""A private redis-server on a unix socket for the tests of this folder."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import checker
import redis_variant
import sv_scripts
from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: F401


@pytest.fixture(scope="session")
def server():
    with redis_variant.make(small=True) as private:
        yield redis_variant.first(private).client(decode_responses=False)


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
