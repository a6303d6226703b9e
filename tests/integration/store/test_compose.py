"""Scripts are composed of pieces twice, by the build and by sv_scripts.py: both must make the same."""
import random
import re
import shutil
import subprocess

import pytest

from sv_scripts import LUA, SOURCE, compose, rfc3339

PIECES = sorted(path.stem for path in (LUA / "shared").glob("*.lua"))


def compose_by_cmake(path, out):
    return subprocess.run(
        ["cmake", "-DIN=%s" % path, "-DOUT=%s" % out, "-DPIECES=" + " ".join(PIECES),
         "-P", SOURCE / "cmake/compose.cmake"], capture_output=True, text=True)


def test_the_build_makes_the_same(tmp_path):
    for path in LUA.glob("*.lua"):
        done = compose_by_cmake(path, tmp_path / path.name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / path.name).read_bytes() == compose(path).encode(), path


def test_every_piece_is_shared():
    for name in set(PIECES) - {"may"}:  # which the build puts into every script
        line = re.compile("^-- include %s$" % name, re.M)
        users = [path.name for path in LUA.glob("*.lua") if line.search(path.read_text())]
        assert len(users) > 1, "%s is included by %s only" % (name, users)


def test_unknown_piece(tmp_path):
    script = tmp_path / "script.lua"
    script.write_text("#!lua\n-- include nowhere\nreturn 1\n")
    done = compose_by_cmake(script, tmp_path / "out.lua")
    said = " ".join(done.stderr.split())
    assert done.returncode != 0 and str(script) in said and "`-- include nowhere`" in said, said
    assert not (tmp_path / "out.lua").exists()
    with pytest.raises(AssertionError, match="script.lua: `-- include nowhere`"):
        compose(script)


@pytest.mark.parametrize("line", ["  -- include now", "--include now", "-- include ring"])
def test_line_that_would_be_left(tmp_path, line):
    """Indented, misspelt, or inside a piece: never a silent comment."""
    shutil.copytree(LUA / "shared", tmp_path / "shared")
    (tmp_path / "shared" / "ring.lua").write_text("-- include now\n")
    script = tmp_path / "script.lua"
    script.write_text("#!lua\n%s\nreturn 1\n" % line)
    done = compose_by_cmake(script, tmp_path / "out.lua")
    assert done.returncode != 0 and "is not replaced" in " ".join(done.stderr.split()), done.stderr


def test_lines_and_first_line():
    for path in LUA.rglob("*.lua"):
        text = path.read_text()
        assert max(len(line) for line in text.splitlines()) <= 100, path
        if path.parent == LUA:
            freeing = ("commit", "renew", "gcra", "reap", "release", "bury", "drop", "beat", "trim", "pause",
                       "sink", "parcels", "settle", "clear", "cut", "drain")
            flags = {**dict.fromkeys(freeing, " flags=allow-oom"), **dict.fromkeys(("lag", "lift", "look", "peel", "readers"), " flags=no-writes")}
            assert text.startswith("#!lua%s\n" % flags.get(path.stem, "")), path


def test_dates(server):
    text = (LUA / "shared" / "rfc3339.lua").read_text() + """
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


def test_every_script_asks_for_what_it_calls():
    for path in LUA.glob("*.lua"):
        text = compose(path)
        asked = re.search(r"ipairs\(\{ (.*) \}\) do\n  words", text)
        called = set(re.findall(r"redis\.p?call\(('[A-Z]+'(?:, '[A-Z]+')?)", text))
        assert (set(re.findall("{ (.*?) }", asked.group(1))) if asked else set()) == called, path
        assert not called or text.index("acl_check_cmd") < text.index("redis.call"), path


def test_command_that_is_no_literal(tmp_path):
    script = tmp_path / "script.lua"
    script.write_text("#!lua\nreturn redis.call(ARGV[1], KEYS[1])\n")
    done = compose_by_cmake(script, tmp_path / "out.lua")
    assert done.returncode != 0 and "no literal" in " ".join(done.stderr.split()), done.stderr
