import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import sandbox  # noqa: E402

Sandbox = sandbox.Sandbox


def pytest_terminal_summary(terminalreporter):
    """How much of both APIs real clients have called."""
    made = sandbox.boto3_calls
    v1, v2, sts = (sum(made[service].values()) for service in ("ses", "sesv2", "sts"))
    if v1 and v2:
        terminalreporter.write_line(
            f"boto3: {v1 + v2 + sts} calls, both APIs (v1 {v1} of {len(made['ses'])} operations, "
            f"v2 {v2} of {len(made['sesv2'])} operations)")


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
