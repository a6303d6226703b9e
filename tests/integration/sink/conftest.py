import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))

from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: E402,F401
