"""Dead letters, names, permits, and keys that hold what they should not."""
import json
import os
import pathlib
import random
import subprocess
import time

import pytest
from sv_scripts import uid_of
from steps import CLIENT, commit_args, dump, job, run, settle


def take(store, payload="{}"):
    entry = store.push(payload)
    assert store.take() == [entry]
    return entry


def test_bury(store):
    entry = take(store, "{nonsense")
    args = (entry, "malformed_json", "it is none", b"\x00\xff{", store.job_event(
        entry, entry, "dead", "malformed_json"))
    assert store.bury(*args) == "BURIED"
    before = dump(store)
    assert store.bury(*args) == "DUPLICATE"
    assert dump(store) == before
    letter = store.redis.hgetall(store.key("dead:" + entry))
    assert letter[b"payload"] == b"\x00\xff{" and letter[b"reason"] == b"malformed_json"
    assert store.redis.xlen(store.key("jobs")) == 0
    assert store.counters() == {"accepted": 1, "dead": 1}


def test_fetch_reads_what_is_ours(store):
    entry = take(store, "hello")
    assert store.fetch(entry) == ["READ", ["job", "hello"]]
    assert store.fetch(entry, "c2") == ["GONE"]
    assert store.fetch("1-1") == ["GONE"]
    job_id = entry
    assert store.admit(entry, CLIENT, "0" * 16, job_id, "recheck")[0] == "NOT_REGISTERED"
    assert store.fetch(entry) == ["GONE"]


def test_fetch_buries_what_is_too_big(store):
    entry = take(store, "x" * 10_000_000)
    assert store.fetch(entry) == ["BURIED"]
    assert store.fetch(entry) == ["GONE"]
    letter = store.redis.hgetall(store.key("dead:" + entry))
    assert len(letter[b"payload"]) == 10_000_000 and letter[b"reason"] == b"too_big"
    event = store.events()[0]
    assert event["id"] == "job.0." + entry and event["data"]["outcome"] == "dead"
    assert event["data"]["reason"] == "too_big" and event["data"]["job_id"] == entry
    assert store.redis.xlen(store.key("jobs")) == 0


def test_fetch_of_a_deleted_entry(store):
    entry = take(store)
    store.redis.xdel(store.key("jobs"), entry)
    assert store.fetch(entry) == ["GONE"]
    assert store.redis.xpending(store.key("jobs"), "verify")["pending"] == 0
    assert store.counters() == {"vanished": 1}


def own(store, verb, domain, client, account="default", **opt):
    answer = store.own(verb, "example.com", domain, account, client, uid_of(
        account, client, domain), **opt)
    return True if answer == [1] else answer[1]


def test_names(store):
    assert own(store, "claim", "m.example.com", "a") is True
    assert own(store, "claim", "m.example.com", "a") is True
    assert own(store, "claim", "m.example.com", "a", account="other") is True
    assert own(store, "claim", "m.example.com", "b") == "m.example.com"
    assert own(store, "claim", "m.example.com", "b", account="third") == "m.example.com"
    assert own(store, "claim", "x.m.example.com", "b") == "m.example.com"
    assert own(store, "claim", "example.com", "b") == "m.example.com"
    assert own(store, "claim", "xm.example.com", "b") is True
    assert own(store, "claim", "m.example.com", "b", overlap=True) == "m.example.com"
    assert own(store, "claim", "example.com", "b", overlap=True) is True
    assert own(store, "release", "m.example.com", "b") == "m.example.com"
    assert own(store, "release", "m.example.com", "a") is True
    assert own(store, "release", "m.example.com", "a") is True


def test_confirmed_names_stand_for_ever_and_others_do_not(store):
    assert own(store, "claim", "a.example.com", "a") is True
    assert own(store, "claim", "a.example.com", "b", claiming_ms=-1) is True
    assert own(store, "confirm", "a.example.com", "a") == "a.example.com"
    assert own(store, "confirm", "b.example.com", "a") is True
    assert own(store, "claim", "b.example.com", "a") is True
    assert own(store, "claim", "b.example.com", "b", claiming_ms=-1) == "b.example.com"
    held = store.redis.hget("sv:{o:example.com}", "b.example.com default").decode().split(" ")
    assert held[0] == "held" and held[3] == "a"


def test_a_client_with_blanks_in_its_name(store):
    assert own(store, "claim", "a.example.com", "a b c") is True
    assert own(store, "confirm", "a.example.com", "a b c") is True
    assert own(store, "claim", "a.example.com", "a") == "a.example.com"


def test_too_many_names(store):
    for n in range(3):
        assert own(store, "claim", "d%d.example.com" % n, "a", names_max=3) is True
    assert own(store, "claim", "d3.example.com", "a", names_max=3) == ""
    assert own(store, "confirm", "d2.example.com", "a", names_max=3) is True


GCRA_MIRROR = pathlib.Path(os.environ["SV_BINARY_DIR"]) / "tests/integration/store/gcra_mirror"


def test_permits_are_spaced(store):
    interval = 200_000
    first = store.redis.time()
    granted = 0
    while True:
        wait, adapted, workers, _ = store.gcra(interval)
        now = store.redis.time()
        elapsed = (now[0] - first[0]) * 1_000_000 + now[1] - first[1]
        granted += wait == 0
        assert 0 <= wait <= interval and adapted == interval and workers == 1
        assert granted <= 1 + elapsed // interval + 1
        if granted == 3:
            break
    assert elapsed >= 2 * interval
    assert store.gcra(interval, region="elsewhere")[0] == 0
    assert store.redis.pttl("sv:{q:default:eu-west-1:Get}") > 0


def test_permits_after_the_clock_went_back(store):
    key = "sv:{q:default:eu-west-1:Get}"
    seconds = store.redis.time()[0]
    store.redis.set(key, (seconds + 3600) * 1_000_000)
    wait = store.gcra(1_000_000)[0]
    assert 0 < wait <= 1_000_000
    assert store.gcra(1_000_000)[0] <= wait


def test_the_limiter_is_the_same_rule_in_c(store):
    """Five workers ask, wait as told or not at all, vanish, are throttled: C answers what the script answered."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    interval, asked, kinds = 1000, [], {"granted": 0, "refused": 0, "slow": 0, "line": 0}
    for _ in range(4000):
        worker = "w%d" % dice.randrange(5)
        throttled = dice.random() < 0.003
        if dice.random() < 0.01:
            interval = dice.choice([400, 1000, 2000])
        answer = store.gcra(interval, worker, throttled)
        asked.append(("%s %d %d %d" % (worker, interval, throttled, answer[3]), answer[:3]))
        kinds["granted" if answer[0] == 0 else "refused"] += 1
        kinds["slow"] += answer[1] > interval
        kinds["line"] += answer[2] > 1
        if dice.random() < 0.4:
            time.sleep(dice.random() * interval / 1e6)
    mirror = subprocess.run([GCRA_MIRROR], input="\n".join(line for line, _ in asked), text=True,
                            capture_output=True, check=True).stdout.split("\n")
    for (line, answer), said in zip(asked, mirror):
        assert said == "%d %d %d" % tuple(answer), (seed, line)
    print(kinds)
    assert min(kinds.values()) > 100, kinds  # every branch was taken, and often


WRONG = ["jobs", "d:%(uid)s", "due:hi:acme", "due:lo:acme", "ring", "ring:hi", "run", "c:acme",
         "n", "events", "job:acme:j2", "x:%(uid)s", "dead", "dead:%(entry)s"]


@pytest.mark.parametrize("name", WRONG)
def test_foreign_types_stop_every_script_before_it_writes(store, name):
    """Whatever one key holds, no script writes half of what it should."""
    job(store, "register", job_id="j1")
    uid = uid_of("default", CLIENT, "a.example")
    settle(store, wait_ms=0)
    uid, fence = run(store)
    entry = take(store)
    key = store.key(name % {"uid": uid, "entry": entry})
    kept = store.redis.dump(key)
    # A list is none of the types in use; jobs keeps its group, so it is only taken away.
    store.redis.delete(key)
    store.redis.rpush(key, "foreign")
    calls = {
        "admit": lambda: store.admit(entry, CLIENT, uid, "j2", "recheck"),
        "bury": lambda: store.bury(entry, "r", "e", "p", "{}"),
        "fetch": lambda: store.fetch(entry, bytes_max=1),
        "commit": lambda: store.commit(uid, CLIENT, fence, 1, "pending_verification", "verified",
                                       event="{}", detail="x"),
        "claim": lambda: store.claim(uid, CLIENT, "w/7"),
        "release": lambda: store.release(uid, CLIENT, fence),
        "reap": lambda: store.reap(uid, CLIENT),
    }
    refused = 0
    for script, call in calls.items():
        before = dump(store)
        try:
            answer = call()
        except Exception as error:
            assert "WRONGTYPE" in str(error) or "NOGROUP" in str(error), (script, error)
            assert dump(store) == before, script
            refused += 1
        else:
            if script in ("claim", "reap"):
                assert answer in (["LOST"], "HELD")
            restore(store, before)
    assert refused > 0
    store.redis.delete(key)
    if kept:
        store.redis.restore(key, 0, kept)
    store.broken_on_purpose = True


def restore(store, before):
    store.redis.flushall()
    for key, value in before.items():
        store.redis.restore(key, 0, value)


def test_counters_that_are_no_numbers(store):
    entry = take(store)
    store.redis.hset(store.key("n"), "accepted", "many")
    before = dump(store)
    with pytest.raises(Exception, match="WRONGTYPE"):
        store.admit(entry, CLIENT, "0" * 16, "j", "recheck")
    with pytest.raises(Exception, match="WRONGTYPE"):
        store.bury(entry, "r", "e", "p", "{}")
    assert dump(store) == before
    store.redis.delete(store.key("n"))


def test_full_redis_can_drain(store):
    job(store, "register")
    uid, fence = run(store)
    entry = take(store)
    args, opt = commit_args(store, uid, fence, "pending_verification")
    store.redis.config_set("maxmemory", 1)
    for blocked in (lambda: store.admit(entry, CLIENT, uid, "j2", "recheck"),
                    lambda: store.claim(uid, CLIENT, "w/8")):
        with pytest.raises(Exception, match="OOM|maxmemory"):
            blocked()
    assert store.commit(*args, **opt)[0] == "COMMITTED"
    assert store.bury(entry, "r", "e", "p", store.job_event(entry, "j", "dead")) == "BURIED"
    store.redis.config_set("maxmemory", 0)


def test_events_are_json(store):
    job(store, "register", client='we"ird\\ü', refusal="restricted_domain")
    for _, fields in store.redis.xrange(store.key("events")):
        json.loads(fields[b"event"])
