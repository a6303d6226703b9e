"""Redis does not roll back: whatever one key or one counter holds, a script does all of what it should, or nothing."""
import pytest
import redis
from sv_scripts import LUA, uid_of
from steps import CLIENT, commit_args, dump, job, restore, run, settle

UID, RUNS, DUE, LOST = (uid_of("default", CLIENT, name + ".example") for name in ("waits", "runs", "due", "lost"))
QUEUES = ("due:hi:" + CLIENT, "due:lo:" + CLIENT, "ring", "ring:hi", "run")
SINK = ("sink:hook", "events", "sink:hook:wait", "sink:hook:dead")
COUNTERS = {"n": ("accepted", "coalesced", "rejected", "duplicate", "open", "done", "dead", "stale", "conflict", "vanished",
                  "reaped", "crash_loop", "trimmed", "status_new", "status_removed", "status_pending_verification",
                  "status_verified"),
            "meta": ("epoch",), "sink:hook": ("turn",), "sink:off": ("turn",)}
READ_ONLY = {path.stem for path in LUA.glob("*.lua") if "no-writes" in path.read_text().split("\n", 1)[0]} | {"needs"}


def take(store):
    entry = store.push()
    assert store.take() == [entry]
    return entry


def give_away(store):
    """What `reshard` reads before it puts it elsewhere."""
    keys = [store.key(name) for name in ("d:" + DUE, *QUEUES[:2], "run", "c:" + CLIENT, "x:" + DUE)]
    return store.call("lift", keys, [DUE])


def calls(store):
    """One call of every script that writes, each with a state in which it has something to do; name -> keys, words."""
    key, events = store.key, [entry for entry, _ in store.redis.xrange(store.key("events"))]
    entry, letter, big, gone = (take(store) for _ in range(4))
    store.redis.xdel(key("jobs"), gone)
    store.bury(letter, "r", "e", "p", store.job_event(letter, letter, "dead"))
    places, sink = [key(name) for name in QUEUES], [key(name) for name in SINK]
    sweep, beats = "sv:{w:default:eu-west-1}", "sv:{w}:hb"
    store.call("sink", sink, ["serve", "sink:hook", "w", 60000])
    store.redis.hset("sv:{0}:sink:off", mapping={"off": 1, "turn": 1})
    read = store.call("parcels", sink[:3], ["sink:hook", "w", 60000, ">", 8, 99, 9999])
    first, second = read[2], read[6]
    store.call("settle", sink, ["wait", "sink:hook", "w", first, 1, 60000, "e", "", "", "", 9])
    store.call("settle", sink, ["dead", "sink:hook", "w", second, 1, 0, "e", "i", "t", "s", 9])
    store.redis.zadd(beats, {"gone": 1})
    store.redis.xadd("sv:{1}:events", {"event": "{}"}, id="1-1")
    lifted = give_away(store)
    moved = {name: store.redis.hget(key("d:" + RUNS), name).decode() for name in ("f", "own")}
    return {
        "beat": ([beats], ["w", 5000, 90000, 9]),
        "cut": ([key("d:" + DUE), *places, key("c:" + CLIENT), key("n"), key("x:" + DUE)], [DUE, CLIENT, lifted[0]]),
        "drain": ([key("events"), key("n")], ["sink:hook", events[-1], "done"]),
        "graft": (["sv:{1}:" + name for name in ("d:" + DUE, *QUEUES, "c:" + CLIENT, "n", "x:" + DUE)],
                  [DUE, CLIENT, lifted[0], *("" if word is None else "=" + word for word in lifted[1:5]), "=text"]),
        "hurry": ([key("d:" + UID), *places[:4]], [UID, CLIENT]),
        "lay": (["sv:{1}:dead", "sv:{1}:dead:1-1", "sv:{1}:reshard"], ["mark", "1-1", 1, "reason", "r"]),
        "merge": (["sv:{1}:n", "sv:{1}:reshard"], ["mark", "done", 1]),
        "own": (["sv:{o:waits.example}"], ["claim", "waits.example", "default", CLIENT, UID, "0", 1000, 9, 0, 0]),
        "parcels": (sink[:3], ["sink:hook", "w", 60000, ">", 1, 99, 9999]),
        "pause": (["sv:{pause}"], ["pause", "all", "by", "why", 9]),
        "pour": (["sv:{1}:events", "sv:{1}:reshard", "sv:{1}:n"], ["mark", 1, "1-1", "done", "5:event2:{}"]),
        "reap": ([key("d:" + LOST), *places, key("n"), *(key(name) for name in ("events", "dead", "dead:1-1", "job:acme:lost"))],
                 [LOST, CLIENT, 1, 1000, 1000, "lost", "1-1", 0]),
        "regroup": ([key("events")], ["sink:hook", "new"]),
        "release": ([key("d:" + RUNS), *places], [RUNS, CLIENT, moved["own"], moved["f"], 0]),
        "renew": ([key("d:" + RUNS), key("run")], [RUNS, moved["own"], moved["f"], 1000]),
        "replay": (sink, ["sink:hook", "", "0", 9]),
        "replay all": (sink, ["sink:hook", "0", "", 9]),
        "retire": ([key("jobs")], ["verify", "me", "others", 0]),
        "retry": ([key("jobs"), key("dead"), key("dead:" + letter)], [letter, "{}", 99]),
        "settle": (sink, ["dead", "sink:hook", "w", first, 2, 0, "e", "i", "t", "s", 9]),
        "settle later": (sink, ["wait", "sink:hook", "w", first, 2, 0, "e", "i", "t", "s", 9]),
        "sink": (sink, ["leave", "sink:hook", "w", 60000]),
        "sink serve": (sink, ["serve", "sink:new", "w", 60000]),
        "sink enable": (["sv:{0}:sink:off", *sink[1:]], ["enable", "sink:off", "w", 60000]),
        "sweep": ([sweep], ["begin", "w", 60000, 0, 0, 0]),
        "trim": (["sv:{1}:events", "sv:{1}:n"], [0, 1]),
        **door(store, entry, big, letter, gone),
    }


def door(store, entry, big, letter, gone):
    """Those that sv_scripts.py knows how to call: noted instead of sent."""
    noted = {}

    def note(told, call):
        send, store.call = store.call, lambda name, keys, words: noted.update({name + told: (keys, words)}) or [""]
        call()
        store.call = send

    uid_anew = uid_of("default", CLIENT, "anew.example")
    args, opt = commit_args(store, RUNS, store.domain(RUNS)["f"], "verified", detail="x", forget=True)
    late, wrong = [*args], [*args]
    late[2], wrong[3] = 99, 99
    note("", lambda: store.admit(entry, CLIENT, UID, "again", "recheck"))
    note(" new", lambda: store.admit(entry, CLIENT, uid_anew, "again", "register", domains_max=99))
    note(" coalesced", lambda: store.admit(entry, CLIENT, DUE, "again", "recheck"))
    note(" refused", lambda: store.admit(entry, CLIENT, UID, "again", "recheck", refusal="invalid_domain"))
    note(" twice", lambda: store.admit(entry, CLIENT, UID, "waits", "register"))
    note("", lambda: store.bury(entry, "r", "e", "p", "{}"))
    note("", lambda: store.claim(DUE, CLIENT, "w/7"))
    note("", lambda: store.commit(*args, **opt))
    note(" dead", lambda: store.commit(*args, **{**opt, "outcome": "dead"}))
    note(" late", lambda: store.commit(*late, **opt))
    note(" wrong", lambda: store.commit(*wrong, **opt))
    note("", lambda: store.drop(letter))
    note("", lambda: store.fetch(big, bytes_max=1))
    note(" gone", lambda: store.fetch(gone))
    note("", lambda: store.gcra(1000))
    return noted


def fill(store):
    for name in ("waits", "runs", "due", "lost"):
        job(store, "register", name + ".example", job_id=name, email="a@b.example", domains_max=99)
    settle(store, "waits.example", wait_ms=3600000, detail="why")
    settle(store, "runs.example", wait_ms=0)
    job(store, "recheck", "runs.example", job_id="run")
    run(store, "runs.example")
    run(store, "lost.example", own="dead/1")
    store.redis.zadd(store.key("run"), {LOST: 1})
    store.redis.xgroup_create(store.key("events"), "sink:hook", "0")
    store.redis.hset(store.key("meta"), "replid", "of-another")
    for consumer in ("idle", "me"):
        store.redis.xgroup_createconsumer(store.key("jobs"), "verify", consumer)


def all_or_nothing(store, name, call, what):
    """True when it did all."""
    before = dump(store)
    try:
        store.call(name, *call)
    except redis.exceptions.ResponseError as error:
        assert dump(store) == before, (name, what, str(error))
        return False
    return True


@pytest.mark.parametrize("name", sorted({path.stem for path in LUA.glob("*.lua")} - READ_ONLY - {"clear"}))
def test_a_key_or_counter_that_is_foreign_stops_it_before_it_writes(store, name):
    store.broken_on_purpose = True
    fill(store)
    refused, mine = 0, {told: call for told, call in calls(store).items() if told.split()[0] == name}
    known = dump(store)
    for told, call in mine.items():
        restore(store, known)
        assert all_or_nothing(store, name, call, told) and dump(store) != known, told + " had nothing to do"
        for key in call[0]:
            restore(store, known)
            store.redis.delete(key)
            store.redis.rpush(key, "foreign")
            refused += not all_or_nothing(store, name, call, (told, key))
            assert store.redis.type(key) == b"list", (told, key)
            for counter in COUNTERS.get(key.split(":", 2)[-1], ()):
                restore(store, known)
                store.redis.hset(key, counter, "many")
                all_or_nothing(store, name, call, (told, key, counter))
    assert refused > 0
