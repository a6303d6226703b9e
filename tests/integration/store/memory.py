#!/usr/bin/python3
"""Prints how many bytes of Redis one waiting domain takes: its record, its place in the queues, its
share of its client's keys. Findings, events and receipts are not in it.

    memory.py [--domains 20000] [--limit 800]

ends with 1 when ten domains per client take more than the limit."""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from redis_server import RedisServer
from sv_scripts import Scripts, uid_of

NAME_CHARS = 30
TOKENS = {"k%d" % n: "abcdefghijklmnopqrstuvwxyz01234%d" % n for n in (1, 2, 3)}


def state(name):
    """What the driver keeps of a domain that waits for its records, values as long as real ones."""
    return dict(TOKENS, dom=name, acct="default", mfd="bounce." + name, z="dkim.amazonses.com",
                i=2, dk=2, mf=2, sg=2, sp=1, dm=2, bu=1, co=4, b=1, rv="wwwwwu", g0=4026531841, g2=4026531843,
                g4=4026531842, tr=12,
                ss=1760000000000, ls=1760000000000, rg=1760000000000, sa=1760000000000)


def register(store, client, n):
    name = ("d%07d." % n).ljust(NAME_CHARS - 8, "x") + ".example"
    uid = uid_of("default", client, name)
    entry = store.push()
    store.take()
    assert store.admit(entry, client, uid, entry, "register", domains_max=10 ** 9,
                       fields={"dom": name})[0] == "OPENED"
    fence = store.claim(uid, client, "w/1")[1]
    assert store.commit(
        uid, client, fence, 0, "new", "pending_verification", fields=state(name),
        event="{}", job_id=entry, outcome="done", job_event="{}",
        wait_ms=3600000 + n)[0] == "COMMITTED"
    store.redis.delete(store.receipt(client, entry), store.key("events"))
    return uid


def measure(domains, per_client):
    with RedisServer() as server:
        redis = server.client(decode_responses=False)
        store = Scripts(redis)
        store.setup()
        uid = register(store, "warm", 0)
        before = redis.info("memory")["used_memory"]
        for n in range(1, domains + 1):
            register(store, "client-%06d" % (n // per_client), n)
        total = (redis.info("memory")["used_memory"] - before) / domains
        record = redis.memory_usage(store.key("d:" + uid))
        encoding = redis.object("encoding", store.key("d:" + uid)).decode()
    print("%6d domains per client: %4.0f bytes each; the record alone %d (%s)" % (
        per_client, total, record, encoding))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=20000)
    parser.add_argument("--limit", type=int, default=800)
    args = parser.parse_args()
    measure(args.domains, 1)
    ten = measure(args.domains, 10)
    measure(args.domains, 1000)
    return 0 if ten <= args.limit else 1


if __name__ == "__main__":
    sys.exit(main())
