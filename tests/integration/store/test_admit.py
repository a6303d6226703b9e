"""The door: every rule of admission, each job also sent twice."""
import pytest
from sv_scripts import rfc3339, uid_of
from steps import CLIENT, commit_args, job, last_event, run, settle


def test_register_opens(store):
    assert job(store, "register", todo=1, email="a@x.example", fields={"dom": "a.example"}) == [
        "OPENED", 0]
    uid = uid_of("default", CLIENT, "a.example")
    d = store.domain(uid)
    assert d["st"] == "new" and d["seq"] == "0" and d["todo"] == "1" and d["jt"] == "register"
    assert d["dom"] == "a.example" and d["cl"] == CLIENT and d["ver"] == "2"
    assert store.redis.hget(store.key("c:" + CLIENT), uid) == b"a@x.example"
    assert store.redis.zscore(store.key("due:hi:" + CLIENT), uid) == float(d["nx"])
    assert store.redis.get(store.receipt(CLIENT, d["jid"])) == b"open:" + uid.encode()
    assert store.redis.xlen(store.key("jobs")) == 0
    assert store.counters()["accepted"] == store.counters()["open"] == 1
    assert store.events() == []


def test_same_job_id_is_done_once(store):
    assert job(store, "register", job_id="j1")[0] == "OPENED"
    assert job(store, "register", job_id="j1")[0] == "DUPLICATE"
    settle(store)
    assert job(store, "register", job_id="j1")[0] == "DUPLICATE"
    assert store.counters()["duplicate"] == 2 and store.counters()["accepted"] == 1
    ttl = store.redis.pttl(store.receipt(CLIENT, "j1"))
    assert 6.9 * 86400e3 < ttl <= 7 * 86400e3


def test_entry_that_nobody_took_is_not_settled(store):
    entry = store.push()
    assert store.admit(entry, CLIENT, "0" * 16, "j", "register") == ["DUPLICATE", 0]
    assert store.redis.xlen(store.key("jobs")) == 1
    store.redis.delete(store.key("jobs"))
    store.setup()


def test_refusal_touches_nothing_else(store):
    assert job(store, "register", refusal="restricted_domain") == ["REFUSED", 0]
    assert last_event(store)["reason"] == "restricted_domain"
    assert last_event(store)["outcome"] == "rejected"
    assert store.domain(uid_of("default", CLIENT, "a.example")) == {}
    assert store.counters()["rejected"] == 1


def test_domain_limit(store):
    for n in range(3):
        assert job(store, "register", "d%d.example" % n, domains_max=3)[0] == "OPENED"
    assert job(store, "adopt", "d3.example", domains_max=3) == ["DOMAIN_LIMIT", 0]
    assert last_event(store) == {"job_id": last_event(store)["job_id"], "outcome": "rejected",
                                 "reason": "domain_limit"}
    assert job(store, "register", "d3.example", client="other", domains_max=3)[0] == "OPENED"
    # A known domain is none more.
    assert job(store, "register", "d0.example", domains_max=3)[0] == "COALESCED"
    settle(store, "d0.example", "removed", forget=True, wait_ms=-1)
    assert job(store, "adopt", "d3.example", domains_max=3)[0] == "OPENED"


@pytest.mark.parametrize("kind", ["recheck", "remove"])
def test_not_registered(store, kind):
    assert job(store, kind) == ["NOT_REGISTERED", 0]
    assert last_event(store)["reason"] == "not_registered"
    assert job(store, "register")[0] == "OPENED"
    settle(store, to="removed", forget=True, wait_ms=-1)
    assert job(store, kind) == ["NOT_REGISTERED", 0]


def test_waiting_with_an_open_job_coalesces(store):
    job(store, "register", todo=1, fields={"mf": "old"})
    assert job(store, "register", todo=2, fields={"mf": "new"}, email="n@x.example") == [
        "COALESCED", 0]
    uid = uid_of("default", CLIENT, "a.example")
    assert store.domain(uid)["todo"] == "3" and store.domain(uid)["mf"] == "new"
    assert store.redis.hget(store.key("c:" + CLIENT), uid) == b"n@x.example"
    assert last_event(store)["outcome"] == "coalesced" and "reason" not in last_event(store)
    assert job(store, "recheck") == ["COALESCED", 0]
    assert "att" not in store.domain(uid)
    assert job(store, "remove", todo=8) == ["COALESCED", 0]
    assert store.domain(uid)["todo"] == "11"


def test_recheck_uses_attempts_and_cools_down(store):
    job(store, "register")
    settle(store, wait_ms=3600000)
    uid = uid_of("default", CLIENT, "a.example")
    for n in range(1, 4):
        assert job(store, "recheck", attempts_max=3)[0] == "OPENED"
        assert store.domain(uid)["att"] == str(n)
        settle(store, wait_ms=3600000)
    due = store.domain(uid)["nx"]
    outcome, retry_at = job(store, "recheck", attempts_max=3, cooldown_ms=7777)
    assert outcome == "COOLDOWN" and retry_at == int(store.domain(uid)["la"]) + 7777
    assert last_event(store)["retry_at"] == rfc3339(retry_at)
    # A refusal delays no scheduled look and changes no count.
    assert store.domain(uid)["nx"] == due and store.domain(uid)["att"] == "3"
    # After the cooldown the count starts anew.
    assert job(store, "recheck", attempts_max=3, cooldown_ms=0)[0] == "OPENED"
    assert store.domain(uid)["att"] == "1"


def test_recheck_moves_a_waiting_domain_up(store):
    job(store, "register")
    settle(store, wait_ms=3600000)
    uid = uid_of("default", CLIENT, "a.example")
    assert store.redis.zscore(store.key("due:lo:" + CLIENT), uid)
    job(store, "recheck")
    assert store.redis.zscore(store.key("due:lo:" + CLIENT), uid) is None
    assert store.redis.zscore(store.key("due:hi:" + CLIENT), uid) == float(store.domain(uid)["nx"])
    assert store.claim(uid, CLIENT, "w/2")[0] == "CLAIMED"


def test_overdue_domain_keeps_its_place(store):
    job(store, "register")
    settle(store, wait_ms=0)
    uid = uid_of("default", CLIENT, "a.example")
    due = store.domain(uid)["nx"]
    job(store, "recheck")
    assert store.domain(uid)["nx"] == due


def test_running_domain_is_promised_one_more_check(store):
    job(store, "register", todo=1)
    uid, fence = run(store)
    assert job(store, "register", todo=3, fields={"mf": "m"}) == ["COALESCED", 0]
    assert store.domain(uid)["again"] == "7" and store.domain(uid)["todo"] == "1"
    # Promised already: costs no attempt.
    assert job(store, "recheck") == ["COALESCED", 0]
    assert "att" not in store.domain(uid)
    assert job(store, "remove", todo=8) == ["COALESCED", 0]
    assert store.domain(uid)["again"] == "23"
    d = store.domain(uid)
    answer = store.commit(
        uid, CLIENT, fence, 0, "new", "pending_verification", delete=["todo"], wait_ms=86400000,
        event=store.domain_event(uid, 1, None, "pending_verification", "registered"),
        job_id=d["jid"], outcome="done", job_event=store.job_event(d["job"], d["jid"], "done"))
    assert answer == ["COMMITTED", 1]
    d = store.domain(uid)
    assert d["todo"] == "11" and "again" not in d
    assert store.redis.zscore(store.key("due:hi:" + CLIENT), uid) == float(d["nx"])
    assert store.claim(uid, CLIENT, "w/2")[0] == "CLAIMED"


def test_recheck_of_a_running_domain_uses_an_attempt(store):
    job(store, "register")
    uid, fence = run(store)
    assert job(store, "recheck", attempts_max=1) == ["COALESCED", 0]
    assert store.domain(uid)["att"] == "1" and store.domain(uid)["again"] == "1"
    args, opt = commit_args(store, uid, fence, "pending_verification")
    assert store.commit(*args, **opt) == ["COMMITTED", 1]


def test_recheck_of_a_running_domain_cools_down(store):
    job(store, "register")
    settle(store, wait_ms=3600000)
    job(store, "recheck", attempts_max=1)
    run(store)
    assert job(store, "recheck", attempts_max=1)[0] == "COOLDOWN"


def test_remove_opens(store):
    job(store, "register")
    settle(store, wait_ms=3600000)
    assert job(store, "remove", todo=8) == ["OPENED", 0]
    d = store.domain(uid_of("default", CLIENT, "a.example"))
    assert d["todo"] == "8" and d["jt"] == "remove"


def test_registered_anew_keeps_its_numbers(store):
    job(store, "register", fields={"mf": "m", "old": "1"}, email="old@x.example")
    settle(store)
    job(store, "remove", todo=8)
    settle(store, to="removed", forget=True, wait_ms=-1, delete=["todo"])
    uid = uid_of("default", CLIENT, "a.example")
    before = store.domain(uid)
    assert store.counters()["status_removed"] == 1
    assert store.redis.hlen(store.key("c:" + CLIENT)) == 0
    assert job(store, "register", todo=1)[0] == "OPENED"
    d = store.domain(uid)
    assert (d["seq"], d["f"], d["cf"]) == (before["seq"], before["f"], before["cf"]) == (
        "2", "2", "2")
    assert d["cb"] == before["cb"]  # whoever committed last still knows its commit
    assert d["st"] == "new" and "old" not in d and "att" not in d and d["todo"] == "1"
    settle(store)
    assert store.counters()["status_removed"] == 0


def test_register_during_removal_is_taken_up_after_it(store):
    job(store, "register")
    settle(store)
    job(store, "remove", todo=8)
    uid, fence = run(store)
    assert job(store, "register", todo=1)[0] == "COALESCED"
    d = store.domain(uid)
    assert store.commit(
        uid, CLIENT, fence, 1, "pending_verification", "removed", wait_ms=-1, forget=True,
        delete=["todo"], event=store.domain_event(uid, 2, "pending_verification", "removed"),
        job_id=d["jid"], outcome="done",
        job_event=store.job_event(d["job"], d["jid"], "done")) == ["COMMITTED", 1]
    # It counts for its client all the while, but not against itself.
    assert store.redis.hlen(store.key("c:" + CLIENT)) == 1
    assert store.domain(uid)["todo"] == "1"
    assert store.claim(uid, CLIENT, "w/3")[0] == "CLAIMED"
    assert store.release(uid, CLIENT, 3) == 1
    assert job(store, "register", todo=1, domains_max=1)[0] == "OPENED"


def test_recheck_during_removal_leads_nowhere(store):
    job(store, "register")
    uid, fence = run(store)
    job(store, "recheck")
    d = store.domain(uid)
    assert store.commit(
        uid, CLIENT, fence, 0, "new", "removed", wait_ms=-1, forget=True,
        event=store.domain_event(uid, 1, None, "removed"), job_id=d["jid"], outcome="done",
        job_event=store.job_event(d["job"], d["jid"], "done")) == ["COMMITTED", 0]
    assert store.redis.exists(store.key("ring")) == 0


def test_fields_of_the_scripts_cannot_be_set_by_a_job(store):
    job(store, "register", todo=1, fields={"f": "99", "st": "verified", "todo": "7", "dom": "a"})
    d = store.domain(uid_of("default", CLIENT, "a.example"))
    assert d["f"] == "0" and d["st"] == "new" and d["todo"] == "1" and d["dom"] == "a"


def test_todo_has_32_unsigned_bits(store):
    job(store, "register", todo=0xFFFFFFFE)
    uid = uid_of("default", CLIENT, "a.example")
    assert store.domain(uid)["todo"] == str(0xFFFFFFFE)
    run(store)
    job(store, "register", todo=0x80000000)
    assert store.domain(uid)["again"] == str(0x80000000 * 2 + 1)
    settle_uid = store.release(uid, CLIENT, 1)
    assert settle_uid == 1 and store.domain(uid)["todo"] == str(0xFFFFFFFE)


def test_a_removal_withdraws_what_the_running_look_owes(store):
    """The look that runs could not do its work: what a removal withdrew meanwhile stays withdrawn, in every way out."""
    for leave in ("commit", "release", "reap"):
        store.redis.flushall()
        store.setup()
        job(store, "register", todo=1)
        uid, fence = run(store)
        assert job(store, "remove", todo=8, withdrawn=1) == ["COALESCED", 0]
        assert store.domain(uid)["wd"] == "1"
        if leave == "commit":
            store.commit(uid, CLIENT, fence, 0, "new", "new", fields={"todo": "1"}, wait_ms=1000)
        elif leave == "release":
            store.release(uid, CLIENT, fence)
        else:
            store.redis.zadd("sv:{0}:run", {uid: 1})
            store.reap_found(uid)
        d = store.domain(uid)
        assert (leave, d["todo"]) == (leave, "8") and "wd" not in d and "again" not in d


def test_a_registration_after_the_removal_is_owed_beside_it(store):
    job(store, "register", todo=1)
    uid, fence = run(store)
    job(store, "remove", todo=8, withdrawn=1)
    job(store, "register", todo=1)
    store.commit(uid, CLIENT, fence, 0, "new", "new", fields={"todo": "1"}, wait_ms=1000)
    assert store.domain(uid)["todo"] == "9"


def held(store, entry_id="*"):
    """A job that a worker has read, and holds."""
    entry = store.redis.xadd(store.key("jobs"), {"job": "{}"}, id=entry_id).decode()
    assert store.take("frozen") == [entry]
    return entry


def let_in(store, entry, kind, **opt):
    """The worker lets it in at last, and once more."""
    uid = uid_of("default", CLIENT, "a.example")
    answer = store.admit(entry, CLIENT, uid, entry, kind, **opt)
    assert store.admit(entry, CLIENT, uid, entry, kind, **opt) == ["DUPLICATE", 0]
    return answer


def record(store):
    uid = uid_of("default", CLIENT, "a.example")
    return store.domain(uid), store.redis.hgetall(store.key("c:" + CLIENT)), store.redis.zrange(
        store.key("due:hi:" + CLIENT), 0, -1, withscores=True)


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("newer", ["register", "adopt", "remove"])
@pytest.mark.parametrize("older", ["register", "adopt", "remove"])
def test_the_older_word_gives_way(store, older, newer, running):
    job(store, "register", todo=1, fields={"mf": "first"})
    settle(store, wait_ms=3600000)
    if running:
        job(store, "recheck")
        run(store)
    late = held(store)
    assert job(store, newer, todo=2, fields={"mf": "newer"})[0] == ("COALESCED" if running else "OPENED")
    before, rejected = record(store), store.counters().get("rejected", 0)
    assert let_in(store, late, older, todo=4, withdrawn=2, fields={"mf": "older"}, email="o@x.example") == ["SUPERSEDED", 0]
    assert record(store) == before
    assert last_event(store) == {"job_id": late, "outcome": "rejected", "reason": "superseded"}
    assert store.redis.get(store.receipt(CLIENT, late)) == b"rejected"
    assert store.counters()["rejected"] == rejected + 1
    assert job(store, older, todo=8)[0] == "COALESCED"  # one that is sent now is the last word


@pytest.mark.parametrize("older", ["register", "adopt", "remove"])
def test_a_removed_domain_remembers_its_last_word(store, older):
    late = held(store)
    job(store, "register")
    settle(store)
    later = held(store)
    job(store, "remove", todo=8)
    settle(store, to="removed", forget=True, wait_ms=-1, delete=["todo", "lw"])  # the second is the scripts' own
    before = record(store)
    for entry in (late, later):
        assert let_in(store, entry, older, todo=1) == ["REMOVED_SINCE", 0]
        assert last_event(store)["reason"] == "superseded"
    assert record(store) == before
    assert job(store, "register")[0] == "OPENED"


def test_a_recheck_is_no_word(store):
    job(store, "register")
    settle(store, wait_ms=3600000)
    remove, recheck = held(store), held(store)
    job(store, "recheck")
    settle(store, wait_ms=3600000)
    assert let_in(store, remove, "remove", todo=8) == ["OPENED", 0]
    assert let_in(store, recheck, "recheck") == ["COALESCED", 0]


def test_a_refused_job_is_no_word(store):
    late = held(store)
    assert job(store, "register", refusal="restricted_domain")[0] == "REFUSED"
    assert job(store, "register", domains_max=0)[0] == "DOMAIN_LIMIT"
    assert job(store, "remove")[0] == "NOT_REGISTERED"
    assert let_in(store, late, "register") == ["OPENED", 0]


IDS = ["9-9", "9-10", "10-0", "10-1", "1767225600000-9", "1767225600000-10", "9007199254740993-0",
       "9007199254740993-18446744073709551614", "9007199254740993-18446744073709551615", "9007199254740994-0",
       "18446744073709551614-0"]


@pytest.mark.parametrize("older, newer", list(zip(IDS, IDS[1:])))
@pytest.mark.parametrize("in_order", [True, False])
def test_ids_are_compared_as_numbers(store, older, newer, in_order):
    older, newer = held(store, older), held(store, newer)
    first, second = (older, newer) if in_order else (newer, older)
    assert let_in(store, first, "register") == ["OPENED", 0]
    assert record(store)[0].get("lw") == (None if in_order else first.removesuffix("-0"))  # a number takes half the room
    assert let_in(store, second, "remove", todo=8) == ["COALESCED" if in_order else "SUPERSEDED", 0]


def test_the_order_of_another_inbox_says_nothing(store):
    """The inbox was deleted, or the domain moved to another shard, and the clock there is behind."""
    held(store)
    job(store, "register")
    settle(store)
    assert "lw" in record(store)[0]
    store.redis.delete(store.key("jobs"))
    store.setup()
    first, second = held(store, "5-1"), held(store, "5-2")
    assert let_in(store, second, "remove", todo=8) == ["OPENED", 0]
    assert let_in(store, first, "register") == ["SUPERSEDED", 0]


def test_nothing_is_noted_when_nothing_earlier_can_come(store):
    job(store, "register")
    assert "lw" not in record(store)[0]
    late = [held(store), held(store)]
    job(store, "register")
    assert "lw" in record(store)[0]
    assert let_in(store, late[0], "recheck") == ["COALESCED", 0]
    job(store, "register")
    assert "lw" in record(store)[0]
    assert let_in(store, late[1], "remove", todo=8) == ["SUPERSEDED", 0]
    job(store, "adopt")
    assert "lw" not in record(store)[0]


def test_order_outlives_the_group(store):
    """Everything that is not settled is read once more, in its order."""
    late = held(store)
    job(store, "register")
    held_too = held(store)
    store.redis.execute_command("XGROUP", "DESTROY", store.key("jobs"), "verify")
    store.setup()
    assert store.take("other") == [late, held_too]
    assert let_in(store, held_too, "register") == ["COALESCED", 0]
    assert let_in(store, late, "remove", todo=8) == ["SUPERSEDED", 0]
