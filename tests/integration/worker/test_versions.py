"""Records of other versions (F56): an older one becomes today's at the next commit, with nothing told anew; a newer one is left
to a newer program, with a reason, while everything else goes on."""
import json

from bad_days import verify
from sandbox import wait_for
from world import DEADLINE_S, World

NAME = "old.example"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
STATES = ("i", "dk", "mf", "sg", "sp", "dm", "bu", "co", "b")
DIGESTS = ("rd", "g0", "g1", "g2", "g3", "g4", "g5")
USUAL_ZONE = 16


def number(digits):
    value = 0
    for digit in digits:
        value = value * 64 + DIGITS.index(digit)
    return value


def version_1(record):
    """The same record as version 1 wrote it: a field for each state, time, digest and token."""
    old = {k: v for k, v in record.items() if k not in ("s", "g", "ka", "kb", "ver")}
    states, verdicts, tries, *times = record["s"].split(",")
    old.update({k: number(v) for k, v in zip(STATES, states)})
    if old["b"] & USUAL_ZONE:
        old["z"] = "dkim.amazonses.com"
        old["b"] -= USUAL_ZONE
    for key, digits in zip(("rg", "ss", "ls", "sa"), times):
        old[key] = last if digits == "=" else number(digits)
        last = old[key]
    old.update({k: number(v) for k, v in zip(DIGESTS, record.get("g", "").split(","))})
    bits = "".join(f"{DIGITS.index(digit):06b}" for digit in record["ka"] + record["kb"])
    tokens = "".join(LETTERS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))
    old.update(rv=verdicts, tr=number(tries), k1=tokens[:32], k2=tokens[32:64], k3=tokens[64:], ver=1, acct="default")
    if old.get("mfd", "").endswith("."):
        old["mfd"] += old["dom"]
    return {k: str(v) for k, v in old.items() if v not in (0, "")}


def record_of(world, key):
    return {k.decode(): v.decode() for k, v in world.redis.hgetall(key).items()}


def replace(world, key, record):
    pipe = world.redis.pipeline()
    pipe.delete(key)
    pipe.hset(key, mapping=record)
    pipe.execute()


def logged(worker, event):
    return [line for line in map(json.loads, worker.text().splitlines()) if line["event"] == event]


def left_alone(world, worker, key, entry):
    """The job was put to it, it was taken, and handed back with a reason."""
    def is_done():
        record = record_of(world, key)
        now_ms = int(world.redis.time()[0]) * 1000
        return record.get("job") == entry and "own" not in record and int(record["nx"]) > now_ms + 20000
    wait_for(is_done, "it to be handed back", DEADLINE_S)
    assert "version 3" in logged(worker, "state_newer")[0]["msg"]


def test_F56_an_older_record_becomes_today_s():
    with World() as world:
        worker = world.start_worker()
        verify(world, NAME, client="c1", mail_from="bounce")
        key = "sv:{0}:d:" + world.domain_events(NAME)[0]["data"]["domain_id"]
        worker.stop()
        told = len(world.domain_events(NAME))
        old = version_1(record_of(world, key))
        assert {"i", "k3", "rg", "ss"} < set(old) and "s" not in old and old["mfd"] == "bounce." + NAME
        replace(world, key, old)
        shown = json.loads(world.command("explain", NAME, "--client", "c1", "--json").stdout)
        world.start_worker()
        wait_for(lambda: record_of(world, key)["ver"] == "2", "a commit", DEADLINE_S)
        new = record_of(world, key)
        assert {"s", "ka", "kb"} < set(new)
        assert not set(new) & {*STATES, *DIGESTS, "tr", "ss", "ls", "sa", "rg", "rv", "k1", "k2", "k3", "z"}
        assert len(world.domain_events(NAME)) == told, "nothing changed, and nothing is told"
        again = json.loads(world.command("explain", NAME, "--client", "c1", "--json").stdout)
        for field in ("status", "dns_records"):
            assert shown.get(field) == again.get(field)
        world.push("remove", "c1", NAME)
        world.wait_event("removed", NAME)


def test_F56_a_newer_record_is_left_alone():
    with World() as world:
        worker = world.start_worker()
        verify(world, NAME, client="c1")
        key = "sv:{0}:d:" + world.domain_events(NAME)[0]["data"]["domain_id"]
        worker.stop()
        today = record_of(world, key)
        newer = {**today, "ver": "3", "s": "something new"}
        replace(world, key, newer)
        worker = world.start_worker()
        asked = world.push("recheck", "c1", NAME)
        left_alone(world, worker, key, asked)
        fence = int(record_of(world, key)["f"])
        verify(world, "other.example")
        assert int(record_of(world, key)["f"]) == fence, "it is not tried again and again"
        left = record_of(world, key)
        assert {k: left[k] for k in ("ver", "s", "st", "seq", "jid")} == {
            "ver": "3", "s": "something new", "st": "verified", "seq": today["seq"], "jid": asked}
        waits_ms = int(left["nx"]) - int(world.redis.time()[0]) * 1000
        assert 20000 < waits_ms <= 61000
        told = world.command("explain", NAME, "--client", "c1")
        assert "version 3" in told.stdout + told.stderr

        # A registration by this older program is for the newer one, too, and lowers no version.
        again = world.push("register", "c1", NAME)
        assert world.wait_answer(again)["data"]["outcome"] == "coalesced"
        wait_for(lambda: int(record_of(world, key)["f"]) > fence, "it to be looked at once more", DEADLINE_S)
        left_alone(world, worker, key, asked)
        assert record_of(world, key)["ver"] == "3"

        # The newer program (here: this one, the record being today's again) ends the job.
        world.redis.hset(key, mapping={"ver": "2", "s": today["s"]})
        world.redis.zadd("sv:{0}:due:hi:c1", {key.rpartition(":")[2]: 1})
        world.redis.zadd("sv:{0}:ring", {"c1": 1})
        world.redis.zadd("sv:{0}:ring:hi", {"c1": 1})
        assert world.wait_answer(asked)["data"]["outcome"] == "done"
