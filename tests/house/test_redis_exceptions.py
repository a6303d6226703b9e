"""tests/integration/redis_exceptions.txt names tests that exist, with known words; every folder whose tests start a Redis asks it."""
import pathlib
import re

import redis_kind

TESTS = pathlib.Path(__file__).resolve().parents[1]
INTEGRATION = TESTS / "integration"
WORDS = {redis_kind.OWN, redis_kind.BESIDE, redis_kind.NONE, *redis_kind.KINDS} - {"plain"}
STARTS = re.compile(r"\b(RedisServer|RedisCluster|RedisSentinels|TlsServer|redis_variant\.make|World)\(")


def test_every_exception_is_one():
    seen = set()
    for name, words, reason in redis_kind.exceptions():
        path, _, test = name.partition("::")
        file = next((folder / path for folder in (INTEGRATION, TESTS) if (folder / path).exists()), None)
        assert file, f"{name}: there is no such file"
        assert not test or f"def {test}(" in file.read_text(), f"{name}: there is no such test"
        assert set(words) <= WORDS and reason, f"{name}: {words} {reason}"
        assert name not in seen, f"{name} is there twice"
        seen.add(name)


def test_the_first_line_that_matches_is_the_closest():
    names = [name for name, _, _ in redis_kind.exceptions()]
    for later, name in enumerate(names):
        for wider in names[:later]:
            assert not name.startswith((wider + "::", wider + "[")), f"{name} comes behind {wider}, which is true of it already"


def test_every_folder_asks():
    for folder in INTEGRATION.iterdir():
        files = [file for file in folder.glob("test_*.py") if STARTS.search(file.read_text())]
        if files:
            hooks = (folder / "conftest.py").read_text()
            assert "from redis_kind import pytest_runtest_logreport, pytest_runtest_setup" in hooks, folder
