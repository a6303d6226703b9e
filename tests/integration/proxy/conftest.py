import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: E402,F401
