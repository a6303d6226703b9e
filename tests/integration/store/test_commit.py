"""Commits: fence, sequence, counters, due times; and what happens to a domain without one."""
import pytest
import redis
from sv_scripts import uid_of
from steps import CLIENT, commit_args, dump, job, last_event, run, settle

UID = uid_of("default", CLIENT, "a.example")


def be_due(store, uid=UID):
    """It waits with urgency, and need not any longer."""
    store.redis.zadd(store.key("due:hi:" + CLIENT), {uid: 1})
    store.redis.zadd(store.key("ring"), {CLIENT: 1})
    store.redis.zadd(store.key("ring:hi"), {CLIENT: 1})


def lose_lease(store, uid=UID):
    """The lease is past from now on."""
    store.redis.zadd(store.key("run"), {uid: 1})


def test_commit_writes_everything_at_once(store):
    job(store, "register", job_id="j1", todo=1)
    settle(store, fields={"e": "", "tok": "abc", "x": "1"}, delete=["todo"], detail="why",
           wait_ms=5000)
    d = store.domain(UID)
    assert d["st"] == "pending_verification" and d["seq"] == "1" and d["cf"] == "1"
    assert d["e"] == "" and d["tok"] == "abc" and "todo" not in d and "jid" not in d and "own" not in d
    assert store.redis.get(store.key("x:" + UID)) == b"why"
    assert store.redis.get(store.receipt(CLIENT, "j1")) == b"done"
    assert [e["type"].split(".")[2] for e in store.events()] == ["domain", "job"]
    n = store.counters()
    assert n["done"] == 1 and n["open"] == 0 and n["status_new"] == 0
    assert n["status_pending_verification"] == 1
    score = store.redis.zscore(store.key("due:lo:" + CLIENT), UID)
    assert score == float(d["nx"]) == store.redis.zscore(store.key("ring"), CLIENT)


def test_without_an_event_the_sequence_stays(store):
    job(store, "register")
    settle(store, wait_ms=0)
    settle(store, wait_ms=0, delete=["tok"], detail="")
    assert store.domain(UID)["seq"] == "1"
    assert not store.redis.exists(store.key("x:" + UID))


def test_urgent_class(store):
    job(store, "register")
    settle(store, wait_ms=9000, urgent=True)
    assert store.redis.zscore(store.key("due:hi:" + CLIENT), UID)
    assert store.redis.zscore(store.key("ring:hi"), CLIENT)


def test_fenced_by_a_reap(store):
    job(store, "register")
    uid, fence = run(store)
    args, opt = commit_args(store, uid, fence, "pending_verification")
    lose_lease(store)
    assert store.reap_found(uid) == "REAPED"
    before = len(store.events())
    assert store.commit(*args, **opt) == ["FENCED"]
    uid, fence = run(store, own="w/2")
    assert store.commit(*args, **opt) == ["FENCED"]
    assert len(store.events()) == before and store.counters()["stale"] == 2
    args, opt = commit_args(store, uid, fence, "pending_verification")
    assert store.commit(*args, **opt) == ["COMMITTED", 0]


def test_another_fence_of_the_same_holder_is_fenced(store):
    job(store, "register")
    uid, fence = run(store)
    args, opt = commit_args(store, uid, fence + 1, "pending_verification", own="w/1")
    assert store.commit(*args, **opt) == ["FENCED"]


def test_what_waits_without_a_record_is_taken_out_once(store):
    for queue in ("due:lo:", "due:hi:"):
        store.redis.zadd(store.key(queue + CLIENT), {"f" * 16: 1})
        store.redis.zadd(store.key("ring"), {CLIENT: 1})
        assert store.claim("f" * 16, CLIENT, "w/1") == ["ORPHAN"]
        assert store.claim("f" * 16, CLIENT, "w/1") == ["LOST"]
        assert not store.redis.exists(store.key(queue + CLIENT), store.key("ring"))


def test_expired_lease_that_nobody_reaped_is_good(store):
    job(store, "register")
    uid, fence = run(store)
    lose_lease(store)
    args, opt = commit_args(store, uid, fence, "pending_verification")
    assert store.commit(*args, **opt)[0] == "COMMITTED"


@pytest.mark.parametrize("change", [
    {3: 5}, {4: "verified"}, {1: "somebody"}])
def test_conflict_writes_nothing(store, change):
    job(store, "register")
    uid, fence = run(store)
    args, opt = commit_args(store, uid, fence, "pending_verification")
    args = [change.get(i, value) for i, value in enumerate(args)]
    before = dump(store)
    answer = store.commit(*args, **opt)
    assert answer[0] == "CONFLICT" and answer[1]
    after = dump(store)
    del before[store.key("n").encode()], after[store.key("n").encode()]
    assert before == after
    assert store.counters()["conflict"] == 1
    store.redis.hdel(store.key("n"), "conflict")


def kept(store):
    return {key: (max(store.redis.pttl(key), 0), store.redis.dump(key)) for key in store.redis.keys("*")}


def lose_since(store, known):
    """Redis lost every write that came after."""
    store.redis.flushdb()
    for key, (ttl, value) in known.items():
        store.redis.restore(key, ttl, value)


def test_F10_lost_writes_give_a_fence_out_twice(store):
    """A fail-over loses A's claim; B is given the same fence. Whatever A wants then, before and after B's commit: it is fenced."""
    job(store, "register")
    known = kept(store)
    uid, fence = run(store, own="a/1")
    late = commit_args(store, uid, fence, "pending_verification", own="a/1")
    lose_since(store, known)
    assert run(store, own="b/1") == (uid, fence)
    held = commit_args(store, uid, fence, "pending_verification", own="b/1")
    before = dump(store)
    assert store.renew(uid, fence, own="a/1") == 0
    assert store.release(uid, CLIENT, fence, own="a/1") == 0
    assert dump(store) == before
    assert store.commit(*late[0], **late[1]) == ["FENCED"]
    assert store.commit(*held[0], **held[1]) == ["COMMITTED", 0]
    assert store.commit(*late[0], **late[1]) == ["FENCED"]
    assert store.commit(*held[0], **held[1]) == ["ALREADY"]
    assert store.counters()["stale"] == 2 and "conflict" not in store.counters()
    assert len(store.events()) == 2


def epochs(store):
    return [event["epoch"] for event in store.events() if "sequence" in event]


def test_F17_another_server_raises_the_epoch(store):
    """Told by its replication id; the same epoch as long as the same server writes, and never the same one twice."""
    job(store, "register")
    settle(store, wait_ms=0)
    settle(store, to="verified", wait_ms=0)
    first = epochs(store)
    assert first[0] == first[1] and len(first[0]) == 13 and first[0].isdigit()
    for clock in ("0", "9000000000000"):  # also where the server before had a clock far ahead
        known = kept(store)
        raised = []
        for _ in range(2):  # the second time the first raise is lost
            lose_since(store, known)
            store.redis.hset(store.key("meta"), mapping={"replid": "of-another", "epoch": max(clock, first[-1])})
            settle(store, to="at_risk" if clock == "0" else "verified", wait_ms=0)
            raised.append(epochs(store)[-1])
        assert raised[0] > max(clock, first[-1]) and raised[1] >= raised[0] and (clock != "0" or raised[1] > raised[0])
    assert store.redis.hget(store.key("meta"), "replid") == store.redis.info("replication")["master_replid"].encode()


def test_a_meta_that_is_none_stops_the_commit(store):
    job(store, "register")
    uid, fence = run(store)
    args, opt = commit_args(store, uid, fence, "pending_verification")
    for spoil in (lambda key: store.redis.set(key, "x"), lambda key: store.redis.hset(key, "epoch", "x")):
        spoil(store.key("meta"))
        before = dump(store)
        with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
            store.commit(*args, **opt)
        assert dump(store) == before
        store.redis.delete(store.key("meta"))


def test_conflict_about_the_job(store):
    job(store, "register", job_id="j1")
    uid, fence = run(store)
    args, opt = commit_args(store, uid, fence, "pending_verification", job_id="j2",
                            outcome="done", job_event="{}")
    assert store.commit(*args, **opt) == ["CONFLICT", "the open job is j1, not j2"]
    args, opt = commit_args(store, uid, fence, "pending_verification", job_id="", wait_ms=-1)
    assert store.commit(*args, **opt) == ["CONFLICT", "the open job j1 would wait for ever"]
    store.redis.hdel(store.key("n"), "conflict")


def test_an_open_job_may_wait_for_the_look_that_was_promised(store):
    job(store, "register", job_id="j1")
    uid, fence = run(store)
    job(store, "recheck")
    args, opt = commit_args(store, uid, fence, "pending_verification", job_id="", wait_ms=-1)
    assert store.commit(*args, **opt) == ["COMMITTED", 1]
    assert store.domain(uid)["jid"] == "j1" and store.redis.zscore(store.key("due:hi:" + CLIENT), uid)


def test_what_a_newer_program_wrote_stays_of_its_version(store):
    job(store, "register")
    store.redis.hset(store.key("d:" + UID), "ver", 7)
    settle(store, wait_ms=0)
    assert store.domain(UID)["ver"] == "7"
    store.redis.hset(store.key("d:" + UID), "ver", 1)
    settle(store, wait_ms=0)
    assert store.domain(UID)["ver"] == "2"


def test_job_can_stay_open(store):
    job(store, "register")
    settle(store, job_id="", event="", to="new", wait_ms=0)
    assert store.domain(UID)["jt"] == "register" and store.counters()["open"] == 1
    settle(store)


@pytest.mark.parametrize("opt,left", [
    ({}, "1"), ({"give_back": True}, None), ({"reset": True}, None)])
def test_attempts(store, opt, left):
    job(store, "register")
    settle(store, wait_ms=0)
    job(store, "recheck")
    settle(store, **opt)
    assert store.domain(UID).get("att") == left
    assert ("la" in store.domain(UID)) == (left is not None)


def test_give_back_leaves_the_others(store):
    job(store, "register")
    settle(store, wait_ms=0)
    for _ in range(3):
        job(store, "recheck")
        settle(store)
    job(store, "recheck")
    settle(store, give_back=True)
    assert store.domain(UID)["att"] == "3"


def test_removed_has_no_due(store):
    job(store, "register")
    settle(store, to="removed", wait_ms=-1, forget=True)
    assert not store.redis.exists(store.key("ring"), store.key("c:" + CLIENT))
    assert "nx" not in store.domain(UID)


def test_claim_is_given_once_per_owner(store):
    job(store, "register", email="a@b.example")
    answer = store.claim(UID, CLIENT, "w/1")
    assert answer[:3] == ["CLAIMED", 1, "a@b.example"]
    fields = dict(zip(answer[3][::2], answer[3][1::2]))
    assert fields == store.domain(UID)
    assert store.claim(UID, CLIENT, "w/1") == answer
    assert store.claim(UID, CLIENT, "w/2") == ["LOST"]
    assert store.redis.zscore(store.key("ring"), CLIENT) is None


def test_claim_of_a_domain_not_due(store):
    job(store, "register")
    settle(store, wait_ms=60000)
    before = dump(store)
    assert store.claim(UID, CLIENT, "w/9") == ["LOST"]
    assert store.claim("0" * 16, CLIENT, "w/9") == ["LOST"]
    assert dump(store) == before


@pytest.mark.parametrize("urgent,queue", [(False, "due:lo:"), (True, "due:hi:")])
def test_hurry_moves_one_that_waits(store, urgent, queue):
    def hurry(uid):
        return store.call("hurry", [store.key("d:" + uid), *store.queues(CLIENT)[:4]], [uid, CLIENT])

    job(store, "register")
    settle(store, wait_ms=3600000, urgent=urgent)
    assert hurry(UID) == 1
    d = store.domain(UID)
    assert d["hu"] == "1" and float(d["nx"]) == store.redis.zscore(store.key(queue + CLIENT), UID)
    assert hurry(UID) == 0
    assert store.claim(UID, CLIENT, "w/2")[0] == "CLAIMED"
    store.redis.zadd(store.key(queue + CLIENT), {"f" * 16: 9e12})  # of no record: none is made
    assert hurry("f" * 16) == 0 and not store.redis.exists(store.key("d:" + "f" * 16))
    store.redis.delete(store.key(queue + CLIENT))


def test_another_clients_record_stops_it(store):
    """Two domains of one uid cannot be; if they were, neither would get what is the other's."""
    job(store, "register")
    entry = store.push()
    assert store.take() == [entry]
    before = dump(store)
    for call in (lambda: store.admit(entry, "other", UID, entry, "recheck"), lambda: store.claim(UID, "other", "w/1")):
        with pytest.raises(redis.exceptions.ResponseError, match="belongs to another client"):
            call()
        assert dump(store) == before
    uid, fence = run(store)
    lose_lease(store)
    d, before = store.domain(uid), dump(store)
    assert store.release(uid, "other", fence) == 0
    assert store.reap(uid, "other", d["jid"], d["job"]) == "HELD"
    assert dump(store) == before
    store.bury(entry, "r", "e", "p", store.job_event(entry, "j", "dead"))


def test_renew(store):
    job(store, "register")
    uid, fence = run(store, lease_ms=1000)
    first = store.redis.zscore(store.key("run"), uid)
    assert store.renew(uid, fence, 100000) == 1
    assert store.redis.zscore(store.key("run"), uid) >= first + 99000
    assert store.renew(uid, fence + 1) == 0
    assert store.release(uid, CLIENT, fence) == 1
    assert store.renew(uid, fence) == 0


def test_release_gives_an_attempt_back_once(store):
    job(store, "register")
    settle(store, wait_ms=0)
    job(store, "recheck")
    uid, fence = run(store)
    before = store.redis.time()[0] * 1000
    for _ in range(2):
        assert store.release(uid, CLIENT, fence, 7000) == 1
        d = store.domain(uid)
        assert "att" not in d and "la" not in d and d["jt"] == "recheck" and "own" not in d
        assert store.redis.zscore(store.key("due:hi:" + CLIENT), uid) == float(d["nx"]) >= before + 7000
    assert store.release(uid, CLIENT, fence + 1) == 0
    be_due(store)
    uid, fence = run(store)
    assert store.release(uid, CLIENT, fence) == 1 and "att" not in store.domain(uid)  # there is none left
    settle(store)
    assert store.release(uid, CLIENT, fence + 1) == 0


def test_release_gives_no_attempt_back_that_is_of_another_job(store):
    job(store, "register")
    settle(store, wait_ms=0)
    job(store, "recheck")
    settle(store, wait_ms=0)
    job(store, "remove", todo=8)
    uid, fence = run(store)
    assert store.release(uid, CLIENT, fence) == 1
    assert store.domain(uid)["att"] == "1" and "la" in store.domain(uid)


def test_release_and_reap_keep_what_was_promised(store):
    job(store, "register")
    settle(store, wait_ms=0)
    for hand_back in (lambda uid, fence: store.release(uid, CLIENT, fence),
                      lambda uid, fence: (lose_lease(store), store.reap_found(uid))):
        uid, fence = run(store, own="w/%s" % store.domain(UID)["f"])
        job(store, "register", todo=4)
        hand_back(uid, fence)
        d = store.domain(uid)
        assert d["todo"] == "4" and "again" not in d
        assert store.redis.zscore(store.key("due:hi:" + CLIENT), uid)


def test_reap_counts_and_ends_a_crash_loop(store):
    job(store, "register")
    settle(store, wait_ms=0)
    job(store, "recheck", job_id='j"1')
    for n in range(1, 4):
        be_due(store)
        uid, fence = run(store, own="w/%d" % n)
        assert store.reap_found(uid) == "HELD"
        assert store.reap(uid, CLIENT, "other", "1-1") == "HELD"
        lose_lease(store)
        assert store.reap(uid, CLIENT, "other", "1-1") == "HELD"
        before = store.redis.time()[0] * 1000
        answer = store.reap_found(uid, reclaims_max=3, crash_wait_ms=50000)
        assert store.reap_found(uid) == "HELD"
        assert int(store.domain(uid)["f"]) == fence + 1
    assert answer == "CRASH_LOOP"
    assert store.counters()["reaped"] == 3 and store.counters()["crash_loop"] == 1
    d = store.domain(UID)
    assert d["rc"] == "3" and "jid" not in d and "att" not in d
    assert last_event(store)["outcome"] == "dead"
    assert last_event(store)["reason"] == "crash_loop"
    assert last_event(store)["job_id"] == 'j"1'
    assert store.redis.get(store.receipt(CLIENT, 'j"1')) == b"dead"
    assert 6.9 * 86400e3 < store.redis.pttl(store.receipt(CLIENT, 'j"1')) <= 7 * 86400e3
    assert store.redis.zcard(store.key("dead")) == 1
    assert store.redis.zscore(store.key("due:lo:" + CLIENT), UID) == float(d["nx"]) >= before + 50000
    be_due(store)
    store.redis.delete(store.key("due:lo:" + CLIENT))
    settle(store)
    assert "rc" not in store.domain(UID)  # it counts those in a row


def test_the_first_worker_that_dies_delays_nothing(store):
    job(store, "register")
    uid, _ = run(store)
    lose_lease(store)
    assert store.reap_found(uid) == "REAPED"
    assert run(store, own="w/2")[0] == uid


def test_F19_those_that_ended_together_come_back_apart(store):
    """The second time at the latest: else one of them would take the others with it until all are given up."""
    uids = ["%016x" % (0x123456789abcdef * (n + 1) % 2 ** 64) for n in range(20)]
    waits = {}
    for turn in range(1, 5):
        for uid in uids:
            if turn == 1:
                store.redis.hset(store.key("d:" + uid), mapping={"cl": CLIENT, "f": 1, "cf": 0})
            store.redis.hset(store.key("d:" + uid), "rc", turn - 1)
            store.redis.zadd(store.key("run"), {uid: 1})
            before = int(store.redis.time()[0]) * 1000  # of each, so that a slow machine delays one at most
            assert store.reap(uid, CLIENT, reclaims_max=9, crash_wait_ms=10000) == "REAPED"
            waits.setdefault(turn, []).append(int(store.domain(uid)["nx"]) - before)
        store.redis.delete(store.key("due:lo:" + CLIENT), store.key("due:hi:" + CLIENT))
    store.broken_on_purpose = True  # such domains come from no job
    assert max(waits[1]) <= 5000
    for turn, longest in ((2, 4000), (3, 8000), (4, 10000)):
        assert longest / 2 <= min(waits[turn]) and max(waits[turn]) <= longest + 5000
        assert max(waits[turn]) - min(waits[turn]) >= longest / 4


def test_F19_the_wait_doubles_and_each_time_another_part_of_it_is_left_out(store):
    for uid, wait_ms in (("0" * 16, 1024000), ("0" * 10 + "ffff00", 512000)):  # the tenth time: digits 11 to 14 say how much
        store.redis.hset(store.key("d:" + uid), mapping={"cl": CLIENT, "f": 1, "cf": 0, "rc": 9})
        store.redis.zadd(store.key("run"), {uid: 1})
        before = store.redis.time()[0] * 1000
        assert store.reap(uid, CLIENT, reclaims_max=99, crash_wait_ms=10 ** 9) == "REAPED"
        after = store.redis.time()[0] * 1000 + 1000
        assert before + wait_ms <= int(store.domain(uid)["nx"]) <= after + wait_ms + 10
    store.broken_on_purpose = True  # such domains come from no job


def test_reap_of_what_has_no_record(store):
    store.redis.zadd(store.key("run"), {"f" * 16: 1})
    assert store.reap("f" * 16, "") == "REAPED"
    assert not store.redis.exists(store.key("run"))


def test_unfenced_scripts_break_the_invariants(store, server):
    """The fence check matters: without it a late worker takes the domain from its holder."""
    import checker
    import sv_scripts
    broken = sv_scripts.Scripts(server, unfenced=True)
    store.broken_on_purpose = True
    job(store, "register")
    uid, fence = run(store)
    late = commit_args(store, uid, fence, "pending_verification")
    lose_lease(store)
    store.reap_found(uid)
    uid, fence = run(store, own="w/2")
    holder = commit_args(store, uid, fence, "pending_verification")
    assert broken.commit(*late[0], **late[1])[0] == "COMMITTED"
    assert broken.commit(*holder[0], **holder[1])[0] == "CONFLICT"
    assert checker.check(server)
