"""One lab for the whole session, in a network of its own."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import netns  # noqa: E402
from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: E402,F401


def pytest_cmdline_main(config):
    return netns.run_again(config)


@pytest.fixture(scope="session")
def lab():
    from dns_lab import Lab
    with Lab() as running:
        yield running
