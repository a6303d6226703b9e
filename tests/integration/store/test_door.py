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
    assert store.fetch(entry) == ["BURIED", "too_big"]
    assert store.fetch(entry) == ["GONE"]
    letter = store.redis.hgetall(store.key("dead:" + entry))
    assert len(letter[b"payload"]) == 10_000_000 and letter[b"reason"] == b"too_big"
    event = store.events()[0]
    assert event["id"] == "job.0." + entry and event["data"]["outcome"] == "dead"
    assert event["data"]["reason"] == "too_big" and event["data"]["job_id"] == entry
    assert store.redis.xlen(store.key("jobs")) == 0


def test_F19_fetch_buries_what_nobody_settles(store):
    """The first delivery was the stream's own."""
    entry = take(store, "hello")
    for _ in range(3):  # these do not count
        assert store.fetch(entry) == ["READ", ["job", "hello"]]
    for _ in range(2):
        assert store.fetch(entry, deliveries_max=3) == ["READ", ["job", "hello"]]
    assert store.fetch(entry) == ["READ", ["job", "hello"]]
    assert store.fetch(entry, deliveries_max=3) == ["BURIED", "max_deliveries"]
    assert store.fetch(entry, deliveries_max=3) == ["GONE"]
    letter = store.redis.hgetall(store.key("dead:" + entry))
    assert letter[b"payload"] == b"hello" and letter[b"reason"] == b"max_deliveries"
    event = store.events()[0]
    assert event["id"] == "job.0." + entry and event["data"]["outcome"] == "dead"
    assert event["data"]["reason"] == "max_deliveries" and event["data"]["error"] == letter[b"error"].decode()
    assert store.counters() == {"accepted": 1, "dead": 1}
    assert store.redis.xlen(store.key("jobs")) == 0


def test_fetch_of_a_deleted_entry(store):
    entry = take(store)
    store.redis.xdel(store.key("jobs"), entry)
    assert store.fetch(entry) == ["GONE"]
    assert store.redis.xpending(store.key("jobs"), "verify")["pending"] == 0
    assert store.counters() == {"vanished": 1}


def dead_letter(store, payload):
    entry = take(store, payload)
    assert store.bury(entry, "r", "e", payload, store.job_event(entry, entry, "dead", "r")) == "BURIED"
    return entry


def test_retry(store):
    entry = dead_letter(store, b"\x00\xff{")
    answer = store.retry(entry)
    assert answer[0] == "RETRIED"
    assert store.redis.xrange(store.key("jobs")) == [(answer[1].encode(), {b"job": b"\x00\xff{"})]
    assert not store.redis.exists(store.key("dead"), store.key("dead:" + entry))
    before = dump(store)
    assert store.retry(entry) == ["GONE"]
    assert dump(store) == before
    assert store.take() == [answer[1]]
    store.bury(answer[1], "r", "e", "", store.job_event(answer[1], "j", "dead"))
    assert store.retry(answer[1]) == ["EMPTY"]
    answer = store.retry(answer[1], "{}", bytes_max=1)
    assert answer[0] == "RETRIED" and store.take() == [answer[1]]
    big = dead_letter(store, "x" * 100)
    assert store.retry(big, bytes_max=99) == ["TOO_BIG"]
    assert store.retry(big, bytes_max=100)[0] == "RETRIED"


def test_drop(store):
    entry = dead_letter(store, "p")
    assert store.drop("1-1") == 0
    assert store.drop(entry) == 1
    before = dump(store)
    assert store.drop(entry) == 0
    assert dump(store) == before
    assert not store.redis.exists(store.key("dead"), store.key("dead:" + entry))
    for half in ("dead", "dead:"):  # a letter that is there by half can be dropped, too
        entry = dead_letter(store, "p")
        store.redis.delete(store.key(half if half == "dead" else half + entry))
        assert store.drop(entry) == 1
        assert not store.redis.exists(store.key("dead"), store.key("dead:" + entry))


def test_pause(store):
    assert store.pause("pause", "client a") == 1
    first = store.redis.hgetall("sv:{pause}")
    assert list(first) == [b"client a"] and first[b"client a"].split(b"\n")[1:] == [b"op", b"why"]
    assert store.pause("pause", "client a", by="other") == 0  # the first note stays
    assert store.redis.hgetall("sv:{pause}") == first
    assert store.pause("pause", "all", notes_max=1) == -1
    assert store.pause("resume", "client a") == 1 and store.pause("resume", "client a") == 0
    assert not store.redis.exists("sv:{pause}")
    store.redis.rpush("sv:{pause}", "foreign")
    with pytest.raises(Exception, match="WRONGTYPE"):
        store.pause("pause", "all")
    store.redis.delete("sv:{pause}")


def test_look_says_when_it_moved(store):
    uid = uid_of("default", CLIENT, "a.example")
    assert store.look(uid, CLIENT)[2] == []
    job(store, "register", job_id="j1")
    assert store.look(uid, CLIENT) == ["MOVED"]  # it has an open job by now
    assert store.look(uid, "other", "j1") == ["MOVED"]
    seen = store.look(uid, CLIENT, "j1")
    assert seen[0] == "SEEN" and "open:" + uid in seen
    assert store.look(uid, "other", "j1", any_client=True)[0] == "SEEN"


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


def test_loosened_names_stand_in_nobodys_way_after_a_while(store):
    assert own(store, "confirm", "a.example.com", "a") is True
    assert own(store, "loosen", "a.example.com", "b") is True  # not b's: nothing changes
    assert own(store, "claim", "a.example.com", "b", claiming_ms=-1) == "a.example.com"
    assert own(store, "loosen", "a.example.com", "a") is True
    assert own(store, "loosen", "a.example.com", "a") is True
    assert own(store, "claim", "a.example.com", "b") == "a.example.com"
    assert own(store, "claim", "a.example.com", "b", claiming_ms=-1) is True
    assert own(store, "loosen", "free.example.com", "a") is True
    assert store.redis.hget("sv:{o:example.com}", "free.example.com default") is None


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
    store.redis.set(key, "0 1000000 %d" % ((seconds + 3600) * 1_000_000))  # slowed down an hour from now
    assert store.gcra(1_000_000, throttled=True)[1] == 2_000_000


def test_permits_are_at_most_32_times_slower(store):
    key = "sv:{q:default:eu-west-1:Get}"
    store.redis.set(key, "0 32000000 1")
    assert store.gcra(1_000_000, throttled=True)[1] == 32_000_000
    store.redis.set(key, "0 999000000 1")  # as another configuration left it; each permit takes back a part
    assert store.gcra(1_000_000)[1] == 31_000_000


def test_the_line_for_permits_has_an_end_and_goes_away_by_itself(store):
    key = "sv:{q:default:eu-west-1:Get}:line"
    answers = [store.gcra(3_600_000_000, "w%d" % n) for n in range(70)]
    assert [answer[2] for answer in answers[:3]] == [1, 1, 2] and answers[-1][2] == 64
    assert store.redis.zcard(key) == 64 and 0 < store.redis.pttl(key) <= 36_001_000


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


@pytest.mark.parametrize("name,told", [
    ("d:%s", "DAMAGED"), ("due:hi:acme", "DAMAGED"), ("due:lo:acme", "DAMAGED"), ("ring", "DAMAGED"), ("ring:hi", "DAMAGED"),
    ("run", "DAMAGED"), ("c:acme", "DAMAGED"), ("x:%s", "DAMAGED"), ("jobs", "SEEN"), ("n", "SEEN"), ("events", "SEEN")])
def test_look_tells_of_a_foreign_key_instead_of_stopping(store, name, told):
    uid = uid_of("default", CLIENT, "a.example")
    job(store, "register")
    settle(store, wait_ms=0)
    key = store.key(name.replace("%s", uid))
    store.redis.delete(key)
    store.redis.rpush(key, "foreign")
    before = dump(store)
    assert store.look(uid, CLIENT)[0] == told and dump(store) == before
    store.broken_on_purpose = True


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
    with pytest.raises(Exception, match="OOM|maxmemory"):
        store.retry(entry)
    assert store.look(uid, CLIENT)[0] == "SEEN"
    assert store.drop(entry) == 1
    store.redis.config_set("maxmemory", 0)


def test_events_are_json(store):
    job(store, "register", client='we"ird\\ü', refusal="restricted_domain")
    for _, fields in store.redis.xrange(store.key("events")):
        json.loads(fields[b"event"])
