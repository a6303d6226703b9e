"""The packages that these tests look at (made.py)."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import made  # noqa: E402
from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: E402,F401


@pytest.fixture(name="deb", scope="session")
def _deb():
    return made.package("deb")


@pytest.fixture(name="rpm", scope="session")
def _rpm():
    return made.package("rpm")
