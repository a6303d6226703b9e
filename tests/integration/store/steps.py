"""A few steps that most tests of the scripts need."""
from sv_scripts import uid_of

CLIENT = "acme"


def dump(store):
    """Everything that is kept, for comparing."""
    keys = sorted(store.redis.keys("*"))
    with store.redis.pipeline(transaction=False) as batch:
        for key in keys:
            batch.dump(key)
        return dict(zip(keys, batch.execute()))


def restore(store, known):
    """As it was when `dump` looked; nothing expires any more."""
    with store.redis.pipeline(transaction=False) as batch:
        batch.flushall()
        for key, value in known.items():
            batch.restore(key, 0, value)
        batch.execute()


def job(store, kind, domain="a.example", job_id=None, client=CLIENT, **opt):
    """Pushes, takes and admits one job, twice: the second time changes nothing."""
    entry = store.push()
    assert store.take() == [entry]
    uid = uid_of("default", client, domain)
    args = (entry, client, uid, job_id or entry, kind)
    answer = store.admit(*args, **opt)
    before = dump(store)
    assert store.admit(*args, **opt) == ["DUPLICATE", 0]
    assert dump(store) == before
    return answer


def run(store, domain="a.example", own="w/1", client=CLIENT, lease_ms=60000):
    uid = uid_of("default", client, domain)
    answer = store.claim(uid, client, own, lease_ms=lease_ms)
    assert answer[0] == "CLAIMED"
    return uid, answer[1]


def commit_args(store, uid, fence, to, client=CLIENT, **opt):
    """As a worker that renders its events from what the claim returned."""
    d = store.domain(uid)
    sequence, from_ = int(d["seq"]), d["st"]
    told = None if from_ in ("new", "removed") else from_
    opt.setdefault("event", "" if from_ == to else store.domain_event(
        uid, sequence + 1, told, to, "registered" if told is None else None))
    if "jid" in d and "job_id" not in opt:
        opt.update(job_id=d["jid"], outcome="done",
                   job_event=store.job_event(d["job"], d["jid"], "done"))
    return (uid, client, fence, sequence, from_, to), opt


def settle(store, domain="a.example", to="pending_verification", client=CLIENT, **opt):
    """Claims and commits, twice: the second time is told so and changes nothing."""
    uid, fence = run(store, domain, client=client)
    args, opt = commit_args(store, uid, fence, to, client, **opt)
    answer = store.commit(*args, **opt)
    assert answer[0] == "COMMITTED"
    before = dump(store)
    assert store.commit(*args, **opt) == ["ALREADY"]
    assert dump(store) == before
    return answer


def last_event(store):
    return store.events()[-1]["data"]
