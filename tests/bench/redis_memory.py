#!/usr/bin/python3
"""How many bytes of Redis one waiting domain takes, and what they consist of. Names have 30 characters; the fields are those
that the driver writes (state_sample), with three DKIM tokens and a MAIL FROM of the domain's own.

    redis_memory.py [--domains 1000,100000] [--per-client 1,10,1000] [--kind pending|verified] [--limit 800]

(a million domains take 1.5 GB, and a minute or two for each figure). Two thousand domains are made by the store's own scripts; more are
filled in beside them by a script of the bench, which must have written the same keys with the same content before it is believed.
Ends with 1 when state and queues of a domain take more than the limit with ten domains per client."""
import argparse
import os
import pathlib
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "integration" / "lib"))

from redis_server import RedisServer  # noqa: E402
from sandbox import wait_for  # noqa: E402
from sv_scripts import Scripts, uid_of  # noqa: E402

NAME_CHARS = 30
BY_SCRIPTS_MAX = 2000
BATCH = 1000
BESIDE_MAX = 100000  # findings and events are as large for the millionth domain, and would take 6 GB
WAIT_MS = 3600000
# As a run of the worker showed: findings of a domain without any record, and an event about them.
DETAIL = "f" * 1200
EVENT = "e" * 2000

# Fills one kind of key for the domains FROM .. TO, so that each kind's share can be read off. A domain's key, its client and its
# fields are made from templates in which @ is the domain's number, as seven digits.
FILL = """
local kind, first, last, per_client, name, due = unpack(ARGV, 1, 6)
local fields = {unpack(ARGV, 7)}
for n = first, last do
  local number = string.format('%07d', n)
  local client = string.format('client-%06d', math.floor(n / per_client))
  local uid = string.format('%016x', n * 2654435761)
  if kind == 'state' then
    local mine = {}
    for i, text in ipairs(fields) do
      mine[i] = string.gsub(string.gsub(text, '@', number), '&', client)
    end
    redis.call('HSET', 'sv:{0}:d:' .. uid, unpack(mine))
  elseif kind == 'due' then
    redis.call('ZADD', 'sv:{0}:due:lo:' .. client, due + n, uid)
  elseif kind == 'ring' then
    redis.call('ZADD', 'sv:{0}:ring', 'LT', due + n, client)
  elseif kind == 'client' then
    redis.call('HSET', 'sv:{0}:c:' .. client, uid, '')
  elseif kind == 'owner' then
    local domain = string.gsub(name, '@', number)
    redis.call('HSET', 'sv:{o:' .. domain .. '}', domain .. ' default', 'held ' .. uid .. ' ' .. due .. ' ' .. client)
  elseif kind == 'receipt' then
    redis.call('SET', 'sv:{0}:job:' .. client .. ':' .. (due + n) .. '-0', 'done', 'PX', 604800000)
  elseif kind == 'findings' then
    redis.call('SET', 'sv:{0}:x:' .. uid, fields[1])
  else
    redis.call('XADD', 'sv:{0}:events', '*', 'event', fields[1])
    redis.call('XADD', 'sv:{0}:events', '*', 'event', fields[1])
  end
end
"""
WAITING = ("state", "due", "ring", "client")
BESIDE = ("owner", "receipt", "findings", "events")


def name_of(n):
    return ("d%07d." % n).ljust(NAME_CHARS - 8, "x") + ".example"


def sample(kind, name):
    """The fields that a job and a commit set, as state.c writes them."""
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", TESTS.parent / "build" / "debug"))
    text = subprocess.run([build / "tests" / "bench" / "state_sample", kind, name], check=True, capture_output=True,
                          text=True).stdout
    return [dict(line.split("=", 1) for line in part.splitlines()) for part in text.split("\n\n")]


STATUS = {"pending": "pending_verification", "verified": "verified"}


def register(store, kind, client, n):
    """One domain by the scripts, until it waits; its uid."""
    uid = uid_of("default", client, name_of(n))
    job, state = sample_of(kind, n)
    entry = store.push()
    store.take()
    assert store.admit(entry, client, uid, entry, "register", domains_max=10 ** 9, fields=job)[0] == "OPENED"
    fence = store.claim(uid, client, "w/1")[1]
    assert store.commit(uid, client, fence, 0, "new", STATUS[kind], fields=state, event="{}", job_id=entry, outcome="done",
                        job_event="{}", wait_ms=WAIT_MS + n)[0] == "COMMITTED"
    store.redis.delete(store.receipt(client, entry), store.key("events"))
    return uid


def sample_of(kind, n, cache={}):  # the sample differs by the name alone
    if kind not in cache:
        cache[kind] = sample(kind, name_of(0))
    return [{k: v.replace(name_of(0), name_of(n)) for k, v in part.items()} for part in cache[kind]]


def used(redis):
    """When no table of keys is being moved to a larger one: until then there are two of them."""
    def moved():
        if b"rehashing target" not in redis.execute_command("DEBUG", "HTSTATS", 0):
            return True
        time.sleep(1)  # asking stops the server for as long as it takes to look at a table of millions
        return False
    wait_for(moved, "the tables to be moved", 900)
    return redis.info("memory")["used_memory"]


def client_of(n, per_client):
    return "client-%06d" % (n // per_client)


def by_scripts(kind, domains, per_client):
    """Bytes per domain as the store's scripts make it, and one record whole."""
    with RedisServer() as server:
        redis = server.client(decode_responses=False)
        store = Scripts(redis)
        store.setup()
        register(store, kind, "warm", 0)
        before = used(redis)
        for n in range(1, domains + 1):
            uid = register(store, kind, client_of(n, per_client), n)
        return (used(redis) - before) / domains, store.domain(uid)


def fill(redis, sha, what, domains, args):
    """Bytes per domain of one kind of key."""
    before = used(redis)
    for first in range(1, domains + 1, BATCH):
        redis.evalsha(sha, 0, what, first, min(first + BATCH - 1, domains), *args)
    return (used(redis) - before) / domains


def by_filling(record, domains, per_client):
    """{kind of key: bytes per domain}"""
    due = int(record["nx"]) - domains  # all of them have as many digits
    last = "%07d" % domains
    fields = []
    for key, value in record.items():
        fields += [key, "&" if key == "cl" else value.replace(last, "@")]
    with RedisServer() as server:
        redis = server.client(decode_responses=False)
        sha = redis.script_load(FILL)
        common = (per_client, name_of(0).replace("0" * 7, "@"), due)
        texts = {"state": fields, "findings": [DETAIL], "events": [EVENT]}
        kinds = WAITING + (BESIDE if domains <= BESIDE_MAX else BESIDE[:1])
        args = {what: (*common, *texts.get(what, [])) for what in kinds}
        for what in args:  # what the connection takes once is not the domains'
            fill(redis, sha, what, BATCH, args[what])
        redis.flushall()
        sizes = {what: fill(redis, sha, what, domains, args[what]) for what in args}
        encoding = redis.object("encoding", "sv:{0}:d:%016x" % (domains * 2654435761)).decode()
    return sizes, encoding


def measure(kind, domains, per_client):
    few = min(domains, BY_SCRIPTS_MAX)
    made, record = by_scripts(kind, few, per_client)
    sizes, _ = by_filling(record, few, per_client)
    filled = sum(sizes[what] for what in WAITING)
    assert abs(made - filled) < 0.08 * made, f"the scripts take {made:.0f} bytes a domain, the bench's own filling {filled:.0f}"
    if domains > few:
        record = {k: v.replace("%07d" % few, "%07d" % domains) for k, v in record.items()}
    sizes, encoding = by_filling(record, domains, per_client)
    waiting = sum(sizes[what] for what in WAITING)
    print(f"{domains:>8} {kind}, {per_client:>4} per client: {waiting:4.0f} bytes a waiting domain = "
          + " + ".join(f"{what} {sizes[what]:.0f}" for what in WAITING) + f" ({encoding})"
          + f" (by the scripts, {few}: {made:.0f}); beside it: "
          + ", ".join(f"{what} {sizes[what]:.0f}" for what in BESIDE if what in sizes), flush=True)
    return waiting


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=numbers, default=[1000, 100000])
    parser.add_argument("--per-client", type=numbers, default=[1, 10, 1000])
    parser.add_argument("--kind", choices=list(STATUS), default="pending")
    parser.add_argument("--limit", type=int, default=800)
    args = parser.parse_args()
    worst = 0
    for domains in args.domains:
        for per_client in args.per_client:
            size = measure(args.kind, domains, per_client)
            worst = max(worst, size if per_client == 10 else 0)
    return 0 if worst <= args.limit else 1


if __name__ == "__main__":
    sys.exit(main())
