"""The least that a user of Redis must be allowed: deploy/redis/users.acl and what the worker asks for at start
(lib/adapt/store/lua/needs.lua), both made from the commands that scripts and code really use.

`python3 tests/house/test_acl.py --write` makes them anew; it needs a redis-server, which knows what is a command."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration/lib"))
os.environ.setdefault("SV_SOURCE_DIR", str(ROOT))

from redis_server import RedisServer  # noqa: E402

ACL = ROOT / "deploy/redis/users.acl"
NEEDS = ROOT / "lib/adapt/store/lua/needs.lua"
LUA = ROOT / "lib/adapt/store/lua"
SOURCES = ["lib/net/redis", "lib/adapt/store", "worker"]
NO_COMMANDS = {("errors.c", "READONLY")}  # words of the code that are commands as well, and not meant as such: file, word
ABOUT_COMMANDS = {"route.c"}  # knows where the keys of commands stand, whoever sends them
# Not asked at start: of a connection (long over, refused without harm, or not needed); and what the question itself needs.
NOT_ASKED = {"auth", "client|setname", "select", "evalsha", "asking", "cluster|slots"}
NEVER = {"eval", "eval_ro", "keys", "flushall", "flushdb", "config|set", "client|kill", "client|list", "acl|setuser", "debug",
         "shutdown", "replicaof", "subscribe", "monitor", "script|flush"}
PASSWORD = "#SHA256_OF_THE_PASSWORD"
WIDTH = 99


def known():
    """Every command and "container|subcommand", in lower case."""
    with RedisServer() as server:
        return {name.lower() for name in server.client().execute_command("COMMAND LIST", "FILTERBY", "PATTERN", "*")}


def of_scripts():
    text = "".join(path.read_text() for path in LUA.rglob("*.lua"))
    return {"|".join(filter(None, words)).lower() for words in re.findall(r"redis\.p?call\('([A-Z]+)'(?:, '([A-Z]+)')?", text)}


def of_file(path, commands):
    """Words in capitals that are commands; of a container the next word that is one of its subcommands."""
    words = re.findall(r'"([A-Z]{2,})"', path.read_text())
    found = set()
    for i, word in enumerate(words):
        name = word.lower()
        if name not in commands or (path.name, word) in NO_COMMANDS:
            continue
        if not any(other.startswith(name + "|") for other in commands):
            found.add(name)
            continue
        subs = [f"{name}|{next_word.lower()}" for next_word in words[i + 1:i + 2]]
        assert subs and subs[0] in commands, f"{path}: {word} is followed by no subcommand of it"
        found.add(subs[0])
    return found


def used(commands):
    """By file; scripts count as one."""
    found = {"scripts": of_scripts()}
    for folder in SOURCES:
        for path in sorted((ROOT / folder).glob("*.c")):
            if path.name in ABOUT_COMMANDS or folder == "worker" and "sv_redis_start" not in path.read_text():
                continue  # it talks to Redis through the store; capitals are headings there
            if names := of_file(path, commands):
                found[str(path.relative_to(ROOT))] = names
    return found


def acl(names):
    return f"user sesverify on {PASSWORD} resetkeys ~sv:* resetchannels -@all " + " ".join("+" + n for n in sorted(names)) + "\n"


def needs(names):
    lines, line = [], " "
    for name in sorted(names):
        word = f" '{name}',"
        if len(line + word) > WIDTH:
            lines.append(line)
            line = " "
        line += word
    return f"""#!lua
-- What the user of this connection is not allowed, of all that the store needs: asked once at
-- start, so that nobody finds out in the middle. Made by tests/house/test_acl.py.
--
-- KEYS meta
-- ARGV one name of each kind of key
-- Answers the commands and keys that are refused

local needs = {{
{chr(10).join([*lines, line])}
}}

local refused = {{}}
for _, need in ipairs(needs) do
  local words = {{}}
  for word in string.gmatch(need, '[^|]+') do
    words[#words + 1] = word
  end
  words[#words + 1] = KEYS[1]
  if not redis.acl_check_cmd(unpack(words)) then
    refused[#refused + 1] = need
  end
end
for _, key in ipairs(ARGV) do
  if redis.acl_check_cmd('del', KEYS[1]) and not redis.acl_check_cmd('del', key) then
    refused[#refused + 1] = key
  end
end
return refused
"""


def texts():
    commands = known()
    by_file = used(commands)
    assert not {name for names in by_file.values() for name in names
                if name not in commands or any(other.startswith(name + "|") for other in commands)}, by_file
    everything = set().union(*by_file.values())
    of_store = set().union(*(names for file, names in by_file.items() if not file.startswith("worker/"))) - NOT_ASKED
    return by_file, acl(everything), needs(of_store)


def test_what_is_committed_is_what_is_used():
    by_file, wanted_acl, wanted_needs = texts()
    for file, names in by_file.items():
        print(f"{file}: {' '.join(sorted(names))}")
    assert (ACL.read_text(), NEEDS.read_text()) == (wanted_acl, wanted_needs), "run tests/house/test_acl.py --write"


def test_only_what_can_be_asked_without_harm():
    """redis.acl_check_cmd looks for keys among the words it is given, here the command and one key. Where the number of keys
    stands behind them, as with EVALSHA, it reads past the end: a server (7.0.15) ends by that."""
    by_file, _, _ = texts()
    with RedisServer() as server:
        for name in sorted(set().union(*by_file.values()) - NOT_ASKED):
            told = server.client().execute_command("COMMAND INFO", name)[0]
            for spec in told[8]:
                fields = dict(zip(spec[::2], spec[1::2]))
                found = dict(zip(fields["find_keys"][::2], fields["find_keys"][1::2]))
                assert found["type"] == "range", f"{name}: {spec}; ask for it with all its words, or not at all"


def test_nothing_dangerous_is_allowed():
    words = ACL.read_text().split()
    allowed = {word[1:] for word in words if word[0] == "+"}
    assert len(allowed) > 20 and not allowed & NEVER and not any("@" in word for word in allowed), allowed
    assert words[words.index("-@all") - 1] == "resetchannels" and words.count("-@all") == 1
    assert [word for word in words if word[0] == "~"] == ["~sv:*"]


def test_the_password_cannot_be_forgotten(tmp_path):
    """As it is committed the file is refused; with the digest of a password it is loaded."""
    line = ACL.read_text()
    with RedisServer() as server:
        for text, loads in [(line, False), (line.replace(PASSWORD, "#" + 64 * "a"), True)]:
            words = text.split()[1:]
            try:
                server.client().execute_command("ACL", "SETUSER", *words)
                loaded = True
            except Exception as error:  # noqa: BLE001: whatever Redis says, it is no
                assert "SETUSER" in str(error), error
                loaded = False
            assert loaded == loads


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"], __doc__
    _, fresh_acl, fresh_needs = texts()
    ACL.write_text(fresh_acl)
    NEEDS.write_text(fresh_needs)
    print(f"wrote {ACL.relative_to(ROOT)} and {NEEDS.relative_to(ROOT)}")
