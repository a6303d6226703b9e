import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from sandbox import Sandbox  # noqa: E402


@pytest.fixture
def start():
    """Starts sandboxes that end, cleanly, with the test."""
    running = []

    def begin(*args):
        sandbox = Sandbox(*args).start()
        running.append(sandbox)
        return sandbox

    yield begin
    for sandbox in running:
        sandbox.stop()


@pytest.fixture
def sb(start):
    """A fresh sandbox; its virtual clock runs 1000 times as fast as ours."""
    return start("--speed", "1000")
