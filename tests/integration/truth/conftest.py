"""One lab for the whole session, in a network of its own."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from lab_session import lab, pytest_cmdline_main  # noqa: E402,F401
from redis_kind import pytest_runtest_logreport, pytest_runtest_setup  # noqa: E402,F401
