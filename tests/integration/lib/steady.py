"""What tests share that make SES or DNS misbehave around a verified domain, which nothing of that may move: fixtures to import."""
import pytest

from bad_days import QUICK, STEADY, verify
from world import World

STEADY_DOMAIN = "steady.example"


@pytest.fixture(name="world", scope="module")
def steady_world():
    with World(settings=QUICK, **STEADY) as world:
        world.start_worker()
        verify(world, STEADY_DOMAIN)
        yield world


@pytest.fixture(autouse=True)
def no_faults_are_left(request):
    yield
    if "world" in request.fixturenames:
        for faults in ("/faults", "/dns-faults"):
            request.getfixturevalue("world").sandbox.control.delete(faults)
