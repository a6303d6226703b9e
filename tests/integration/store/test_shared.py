"""Lua scripts cannot include one another: what several of them need stands in each, word by word,
between `-- shared: <name>` and `-- end shared`. This holds the copies together.

    python3 tests/integration/store/test_shared.py --write

copies each block from the script that has it first (in the order of names) to all others."""
import collections
import random
import re
import sys

try:
    from sv_scripts import LUA, rfc3339
except ImportError:  # run as a program
    import pathlib
    LUA = pathlib.Path(__file__).resolve().parents[3] / "lib/adapt/store/lua"

BLOCK = re.compile(r"-- shared: (\w+)\n(.*?)-- end shared\n", re.S)


def blocks():
    found = collections.defaultdict(dict)
    for path in sorted(LUA.glob("*.lua")):
        for name, text in BLOCK.findall(path.read_text()):
            found[name][path.name] = text
    return found


def test_copies_are_equal():
    found = blocks()
    assert found
    for name, copies in found.items():
        assert len(copies) > 1, "%s is shared by nobody" % name
        assert len(set(copies.values())) == 1, "%s differs among %s" % (name, sorted(copies))


def test_lines_and_first_line():
    for path in LUA.glob("*.lua"):
        text = path.read_text()
        allowed = path.stem in ("commit", "reap", "release", "bury")
        assert text.startswith("#!lua flags=allow-oom\n" if allowed else "#!lua\n"), path
        assert max(len(line) for line in text.splitlines()) <= 100, path


def test_dates(server):
    text = next(iter(blocks()["rfc3339"].values())) + """
        local out = {}
        for i, ms in ipairs(ARGV) do out[i] = rfc3339(tonumber(ms)) end
        return out"""
    seed = random.randrange(2 ** 32)
    print("seed", seed)
    rand = random.Random(seed)
    times = [0, 951782399999, 951782400000, 4107542399999, 4107542400000, 1735689599999]
    times += [rand.randrange(253402300800000) for _ in range(2000)]
    answer = server.eval(text, 0, *times)
    assert [a.decode() for a in answer] == [rfc3339(t) for t in times]


def write():
    found = blocks()
    for path in LUA.glob("*.lua"):
        text = path.read_text()
        new = BLOCK.sub(lambda m: "-- shared: %s\n%s-- end shared\n" % (
            m[1], next(t for t in found[m[1]].values() if t)), text)
        if new != text:
            path.write_text(new)
            print("wrote", path)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    write()
