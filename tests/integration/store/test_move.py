"""What `reshard` is made of: each thing goes over once, however often it is sent, and nothing that changed meanwhile is lost."""
import pytest
from sv_scripts import uid_of
from steps import CLIENT, dump, job, run, settle

UID = uid_of("default", CLIENT, "a.example")
QUEUES = ("due:hi:" + CLIENT, "due:lo:" + CLIENT, "ring", "ring:hi", "run")


def once(store, name, keys, words, first=1, again=0):
    """Sent twice: the second time it says so and changes nothing."""
    assert store.call(name, keys, words) == first
    before = dump(store)
    assert store.call(name, keys, words) == again
    assert dump(store) == before


def keys_of(shard):
    return ["sv:{%d}:%s" % (shard, name) for name in ("d:" + UID, *QUEUES, "c:" + CLIENT, "n", "x:" + UID)]


def lift(store, keys):
    return store.call("lift", [keys[i] for i in (0, 1, 2, 5, 6, 8)], [UID])


@pytest.mark.parametrize("runs", [False, True])
def test_a_domain_moves_with_all_that_is_its_own(store, runs):
    job(store, "register", email="a@b.example")
    settle(store, wait_ms=3600000, detail="why")
    job(store, "recheck")  # an open job, and due
    if runs:
        run(store)
    here, there = keys_of(0), keys_of(1)
    counters = store.counters()
    fields, *rest = lift(store, here)
    words = [UID, CLIENT, fields, *("" if word is None else "=" + word for word in rest)]
    once(store, "graft", there, words)
    assert lift(store, there) == [fields, *rest]
    assert [store.redis.zscore(key, CLIENT) for key in there[3:5]] == [store.redis.zscore(key, CLIENT) for key in here[3:5]]
    assert store.redis.hgetall("sv:{1}:n") == {b"status_pending_verification": b"1", b"open": b"1", b"accepted": b"1"}
    store.redis.hset(there[0], "note", "another")
    assert store.call("graft", there, words) == -1  # another one is there under this name
    store.redis.hset(here[0], "note", "new")
    changed = dump(store)
    assert store.call("cut", here, [UID, CLIENT, fields]) == -1  # somebody is at work here
    assert dump(store) == changed
    store.redis.hdel(here[0], "note")
    once(store, "cut", here, [UID, CLIENT, fields])
    assert not store.redis.exists(*here[:7], here[8])
    n = store.counters()
    assert (n["open"], n["accepted"], n["status_pending_verification"]) == (
        counters["open"] - 1, counters["accepted"] - 1, counters["status_pending_verification"] - 1)
    store.broken_on_purpose = True  # the other shard is not theirs


def test_entries_letters_and_counters_move_once(store):
    stream, marks, counters = "sv:{1}:events", "sv:{1}:reshard", "sv:{1}:n"
    words = ["0 events", 1, "5-1", "done", "5:event2:{}", "5-2", "", "5:event2:[]"]
    once(store, "pour", [stream, marks, counters], words, first=2)
    once(store, "pour", [stream, marks, counters], [*words, "10-0", "", "5:event2:()"])  # went on behind the last one
    assert [fields[b"event"] for _, fields in store.redis.xrange(stream)] == [b"{}", b"[]", b"()"]
    assert store.redis.xinfo_stream(stream)["entries-added"] == 4  # as if something had been deleted in front
    once(store, "merge", [counters, marks], ["shard 2", "done", 4])
    assert store.redis.hgetall(counters) == {b"done": b"5", b"accepted": b"1"}
    letter = ["sv:{1}:dead", "sv:{1}:dead:1-1", marks]
    once(store, "lay", letter, ["letter 0 1-1", "1-1", 7, "reason", "r"])
    assert store.call("lay", letter, ["letter 2 1-1", "1-1", 7, "reason", "s"]) == -1  # its id is taken
    assert store.redis.hget("sv:{1}:dead:1-1", "reason") == b"r" and store.redis.zscore("sv:{1}:dead", "1-1") == 7
    for entry, _ in store.redis.xrange(stream)[:1]:
        once(store, "drain", [stream, counters], ["", entry, "done"])
    assert store.redis.hgetall(counters) == {b"done": b"4", b"accepted": b"0"}
    entry = store.push()
    assert store.take() == [entry]
    once(store, "drain", [store.key("jobs"), store.key("n")], ["verify", entry, ""])
    assert store.redis.xpending(store.key("jobs"), "verify")["pending"] == 0
    left = [counters, "sv:{1}:meta", marks, "sv:{1}:ring", "sv:{1}:ring:hi", "sv:{1}:run", "sv:{1}:dead"]
    assert store.call("clear", ["sv:{1}:jobs", stream, *left], []) == "sv:{1}:dead"
    store.redis.delete("sv:{1}:dead", "sv:{1}:dead:1-1")
    assert store.call("clear", ["sv:{1}:jobs", stream, *left], []) == stream
    store.redis.xtrim(stream, maxlen=0)
    once(store, "clear", ["sv:{1}:jobs", stream, *left], [], first="", again="")
    assert not store.redis.keys("sv:{1}:*")
