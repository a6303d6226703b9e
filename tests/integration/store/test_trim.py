"""Retention of the outbox: nothing goes that is young, unread or unacknowledged, and never more than asked at once."""
import random
import time

import pytest
import redis as redis_py
from steps import dump

DAY_MS = 24 * 3600 * 1000
WEEK_MS = 7 * DAY_MS


@pytest.fixture(autouse=True)
def no_real_events(store):
    """The checker could not read them."""
    store.broken_on_purpose = True


def tell(store, age_ms, seq=0):
    """An event of this age; its id."""
    event_id = f"{int(time.time() * 1000) - age_ms}-{seq}"
    store.redis.xadd(store.key("events"), {"event": "{}"}, id=event_id)
    return event_id


def ids(store):
    return [entry.decode() for entry, _ in store.redis.xrange(store.key("events"))]


def read(store, group, count):
    reply = store.redis.xreadgroup(group, "c", {store.key("events"): ">"}, count=count)
    return [entry for _, entries in reply for entry, _ in entries]


def test_without_a_group_age_alone_decides(store):
    assert store.trim(WEEK_MS) == [0, 0, ""]
    assert not store.redis.exists(store.key("events"))
    tell(store, 9 * DAY_MS), tell(store, 8 * DAY_MS)
    young = [tell(store, 6 * DAY_MS), tell(store, 0)]
    assert store.trim(WEEK_MS) == [2, 0, ""]
    assert ids(store) == young
    before = dump(store)
    assert store.trim(WEEK_MS) == [0, 0, ""]
    assert dump(store) == before
    assert store.counters() == {"trimmed": 2}
    assert store.trim(10 ** 14) == [0, 0, ""]  # for longer than there has been time


def test_a_few_at_a_time(store):
    for n in range(4):
        tell(store, 10 * DAY_MS - n)
    assert store.trim(WEEK_MS, 4) == [4, 0, ""]  # just as many as asked for
    for n in range(10):
        tell(store, 9 * DAY_MS - n)
    kept = tell(store, 0)
    assert [store.trim(WEEK_MS, 4) for _ in range(3)] == [[4, 1, ""], [4, 1, ""], [2, 0, ""]]
    assert ids(store) == [kept]
    assert store.counters() == {"trimmed": 14}


def test_while_there_is_more_nobody_is_said_to_hold_it(store):
    old = [tell(store, 9 * DAY_MS - n) for n in range(4)]
    store.redis.xgroup_create(store.key("events"), "g", id=old[2])
    assert store.trim(WEEK_MS, 1) == [1, 1, ""]
    assert store.trim(WEEK_MS, 1) == [1, 0, "g"]


def test_of_one_millisecond_only_those_read(store):
    """The second part of an id has 64 bits: it is compared whole."""
    at = int(time.time() * 1000) - 9 * DAY_MS
    numbers = [1, 9, 10, 9007199254740992, 9007199254740993, 18446744073709551614, 18446744073709551615]
    for number in numbers:
        store.redis.xadd(store.key("events"), {"event": "{}"}, id=f"{at}-{number}")
    for upto in range(1, len(numbers) - 1):
        store.redis.xgroup_create(store.key("events"), "a", id=f"{at}-{numbers[upto + 1]}")
        store.redis.xgroup_create(store.key("events"), "z", id=f"{at}-{numbers[upto]}")
        assert store.trim(WEEK_MS)[0] == 1
        assert ids(store) == [f"{at}-{n}" for n in numbers[upto:]]
        store.redis.xgroup_destroy(store.key("events"), "a")
        store.redis.xgroup_destroy(store.key("events"), "z")


def test_what_a_group_has_not_read_stays(store):
    old = [tell(store, 9 * DAY_MS - n) for n in range(3)]
    store.redis.xgroup_create(store.key("events"), "fast", id="0")
    store.redis.xgroup_create(store.key("events"), "slow", id="0")
    for entry in read(store, "fast", 3):
        store.redis.xack(store.key("events"), "fast", entry)
    assert store.trim(WEEK_MS) == [0, 0, "slow"]
    assert ids(store) == old
    first, second, third = read(store, "slow", 3)
    assert store.trim(WEEK_MS) == [0, 0, "slow"]  # read, and not acknowledged: it may ask again
    store.redis.xack(store.key("events"), "slow", first, third)
    assert store.trim(WEEK_MS) == [1, 0, "slow"]
    assert ids(store) == old[1:]
    store.redis.xack(store.key("events"), "slow", second)
    assert store.trim(WEEK_MS)[0] == 1  # the last one read is kept: a group's place is where it read last
    assert ids(store) == old[2:]


def test_a_group_that_is_behind_with_young_ones_holds_nothing(store):
    tell(store, 9 * DAY_MS)
    young = tell(store, DAY_MS)
    store.redis.xgroup_create(store.key("events"), "g", id=young)
    assert store.trim(WEEK_MS) == [1, 0, ""]
    store.redis.xgroup_create(store.key("events"), "new", id="0")
    assert store.trim(WEEK_MS) == [0, 0, ""]


def test_a_group_from_the_beginning_holds_all(store):
    tell(store, 9 * DAY_MS)
    store.redis.xgroup_create(store.key("events"), "new", id="0")
    assert store.trim(WEEK_MS) == [0, 0, "new"]


def test_foreign_keys_stop_it_before_the_first_write(store):
    tell(store, 9 * DAY_MS)
    store.redis.hset(store.key("n"), "trimmed", "many")
    before = dump(store)
    with pytest.raises(redis_py.ResponseError, match="trimmed"):
        store.trim(WEEK_MS)
    assert dump(store) == before
    store.redis.delete(store.key("n"))
    store.redis.set(store.key("events") + "2", "x")
    store.redis.delete(store.key("events"))
    store.redis.set(store.key("events"), "x")
    with pytest.raises(redis_py.ResponseError, match="WRONGTYPE"):
        store.trim(WEEK_MS)
    store.redis.delete(store.key("events"))


def test_more_groups_than_it_looks_at_stop_it(store):
    tell(store, 9 * DAY_MS)
    for n in range(256):
        store.redis.xgroup_create(store.key("events"), f"g{n}", id="$")
    assert store.trim(WEEK_MS) == [0, 0, "g0"]  # the place of each group is at the last event
    store.redis.xgroup_create(store.key("events"), "one-too-many", id="$")
    before = dump(store)
    with pytest.raises(redis_py.ResponseError, match="more than 256 consumer groups"):
        store.trim(WEEK_MS)
    assert dump(store) == before


def test_on_a_full_server(store):
    for n in range(5):
        tell(store, 9 * DAY_MS - n)
    store.redis.config_set("maxmemory", 1)
    assert store.trim(WEEK_MS) == [5, 0, ""]


def test_any_mixture_of_groups(store):
    """What went was old, read by all and acknowledged by all; what stays is needed or young, but for one event per group."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    events = store.key("events")
    for _ in range(40):
        store.redis.delete(events, store.key("n"))
        ages = sorted((dice.randrange(14 * DAY_MS) for _ in range(dice.randrange(1, 40))), reverse=True)
        told = [tell(store, age, n) for n, age in enumerate(ages)]
        for g in range(dice.randrange(4)):
            store.redis.xgroup_create(events, f"g{g}", id=dice.choice(["0", "$", dice.choice(told)]))
            for entry in read(store, f"g{g}", dice.randrange(1, 50)):
                if dice.random() < 0.9:
                    store.redis.xack(events, f"g{g}", entry)
        limit = dice.randrange(1, 50)
        before = ids(store)
        trimmed, more, holder = store.trim(WEEK_MS, limit)
        after = ids(store)
        assert before[trimmed:] == after and trimmed <= limit
        now = int(time.time() * 1000)
        order = lambda text: tuple(int(part) for part in text.split("-"))
        needed = []
        for group in store.redis.xinfo_groups(events):
            pending = store.redis.xpending(events, group["name"])
            needed.append(order((pending["min"] if pending["pending"] else group["last-delivered-id"]).decode()))
        first_kept = min([(now - WEEK_MS + 1000, 0), *needed])
        assert all(order(gone) < first_kept for gone in before[:trimmed])
        rest = [entry for entry in after if order(entry) < (min([(now - WEEK_MS - 1000, 0), *needed]))]
        assert bool(rest) <= bool(more) and (not more or trimmed == limit)
        assert not holder or not more
