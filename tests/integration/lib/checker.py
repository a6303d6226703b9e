#!/usr/bin/python3
"""Checks that what is kept in Redis can be true: the balance of jobs, queues, fences, and the fold
of all events against the records. Read-only. As a program:

    checker.py unix:///path/redis.sock [--prefix sv] [--shards 1] [--rest] [--trimmed]

prints one line per violation and ends with 1 if there is any.
"""
import argparse
import collections
import json
import sys

import redis as redis_module

OUTCOMES = ("done", "rejected", "coalesced", "dead")


def text_of(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class Shard:
    """One shard as it was at one instant."""

    def __init__(self, redis, prefix, shard):
        self.prefix = prefix
        self.number = shard
        self.tag = "%s:{%d}:" % (prefix, shard)
        if isinstance(redis, redis_module.RedisCluster):  # a shard is in one slot, a slot on one node
            redis = redis.get_redis_connection(redis.get_node_from_key(self.tag))
        self.redis = redis
        self.domains, self.clients, self.receipts, self.dead_letters = {}, {}, {}, set()
        self.due = {"hi": {}, "lo": {}}
        # Writers wait meanwhile, so that all reads see the same instant.
        redis.execute_command("CLIENT", "PAUSE", 30000, "WRITE")
        try:
            self.read()
        finally:
            redis.execute_command("CLIENT", "UNPAUSE")

    def read(self):
        for key in sorted(text_of(k) for k in self.redis.scan_iter(self.tag.replace(
                "[", "\\[") + "*", count=1000)):
            self.read_key(key, key[len(self.tag):])
        self.run = self.zset("run")
        self.ring, self.ring_hi = self.zset("ring"), self.zset("ring:hi")
        self.dead = self.zset("dead")
        counters = self.redis.hgetall(self.tag + "n")
        self.counters = collections.Counter(
            {text_of(k): int(v) for k, v in counters.items()})
        self.events = [(text_of(i), json.loads(f.get(b"event") or f["event"]))
                       for i, f in self.redis.xrange(self.tag + "events")]
        self.inbox = self.redis.xlen(self.tag + "jobs")
        is_there = self.redis.exists(self.tag + "jobs")
        groups = self.redis.xinfo_groups(self.tag + "jobs") if is_there else []  # none before the first worker
        self.pending = sum(group["pending"] for group in groups if text_of(group["name"]) == "verify")

    def zset(self, name):
        return {text_of(m): int(s)
                for m, s in self.redis.zrange(self.tag + name, 0, -1, withscores=True)}

    def hash(self, name):
        return {text_of(k): text_of(v) for k, v in self.redis.hgetall(self.tag + name).items()}

    def read_key(self, key, name):
        kind, _, rest = name.partition(":")
        if kind == "d":
            self.domains[rest] = self.hash(name)
        elif kind == "c":
            self.clients[rest] = self.hash(name)
        elif kind == "due":
            level, _, client = rest.partition(":")
            self.due[level][client] = self.zset(name)
        elif kind == "job":
            client, _, job = rest.partition(":")
            client = client.replace("%3A", ":").replace("%25", "%")
            self.receipts[(client, job)] = (text_of(self.redis.get(key)), self.redis.pttl(key))
        elif kind == "dead" and rest:
            self.dead_letters.add(rest)


class Checker:
    def __init__(self, shard, rest=False, trimmed=False, domains_max=None, attempts_max=None,
                 sent=None):
        self.s = shard
        self.rest = rest
        self.trimmed = trimmed
        self.domains_max = domains_max
        self.attempts_max = attempts_max
        self.sent = sent
        self.found = []
        self.places = collections.defaultdict(list)

    def wrong(self, invariant, text, *args):
        self.found.append("shard %d, invariant %s: %s" % (self.s.number, invariant, text % args))

    def run(self):
        self.balance()
        self.queues()
        self.rings()
        self.open_jobs()
        self.history()
        self.job_answers()
        self.fences()
        self.limits()
        self.statuses()
        self.letters()
        if self.rest:
            self.at_rest()
        return self.found

    def balance(self):
        n = self.s.counters
        ended = sum(n[o] for o in OUTCOMES)
        if n["accepted"] != ended + n["open"]:
            self.wrong("1", "accepted %d != ended %d + open %d", n["accepted"], ended, n["open"])
        opened = sum(1 for d in self.s.domains.values() if "jid" in d)
        if opened != n["open"]:
            self.wrong("1", "%d domains have an open job, the counter says %d", opened, n["open"])
        for name, value in n.items():
            if value < 0:
                self.wrong("1", "counter %s is %d", name, value)

    def queues(self):
        for level in ("hi", "lo"):
            for client, members in self.s.due[level].items():
                for uid in members:
                    self.places[uid].append("due:" + level)
                    owner = self.s.domains.get(uid, {}).get("cl")
                    if owner != client:
                        self.wrong("2", "%s waits for client %s but is of %s", uid, client, owner)
        for uid in self.s.run:
            self.places[uid].append("run")
            if uid not in self.s.domains:
                self.wrong("2", "%s runs without a record", uid)
        for uid, places in self.places.items():
            if len(places) > 1:
                self.wrong("2", "%s is in %s", uid, " and ".join(places))

    def rings(self):
        earliest, urgent = {}, {}
        for level in ("hi", "lo"):
            for client, members in self.s.due[level].items():
                first = min(members.values())
                earliest[client] = min(first, earliest.get(client, first))
                if level == "hi":
                    urgent[client] = first
        for name, wanted, kept in (("ring", earliest, self.s.ring),
                                   ("ring:hi", urgent, self.s.ring_hi)):
            for client in set(wanted) | set(kept):
                if wanted.get(client) != kept.get(client):
                    self.wrong("3", "%s has client %s at %s, its earliest is %s", name, client,
                               kept.get(client), wanted.get(client))

    def open_jobs(self):
        open_receipts = {key: value for key, (value, _) in self.s.receipts.items()
                         if value.startswith("open:")}
        for uid, d in self.s.domains.items():
            parts = [name for name in ("job", "jid", "jt") if name in d]
            if parts and len(parts) != 3:
                self.wrong("3", "%s has half a job: %s", uid, parts)
            if "jid" in d:
                if uid not in self.places:
                    self.wrong("3", "%s has an open job but nobody will look at it", uid)
                if open_receipts.pop((d.get("cl"), d["jid"]), None) != "open:" + uid:
                    self.wrong("3", "the open job %s of %s has no receipt", d["jid"], uid)
            elif uid not in self.places and d.get("st") != "removed":
                self.wrong("3", "%s is %s and nobody will look at it", uid, d.get("st"))
            waits = [self.s.due[p[4:]][d["cl"]].get(uid) for p in self.places.get(uid, ()) if p.startswith("due:")]
            if waits and d.get("nx") != str(waits[0]):
                self.wrong("3", "%s waits until %s, its nx says %s", uid, waits[0], d.get("nx"))
            if not waits and "nx" in d and "own" not in d:
                self.wrong("3", "%s waits for nothing, its nx says %s", uid, d["nx"])
            if "again" in d and "run" not in self.places.get(uid, ()):
                self.wrong("3", "%s was promised one more check but does not run", uid)
        for (client, job), value in open_receipts.items():
            self.wrong("3", "receipt %s of %s says %s, but no such job is open", job, client, value)
        for (client, job), (value, ttl) in self.s.receipts.items():
            if value.startswith("open:") != (ttl < 0):
                self.wrong("3", "receipt %s of %s: %s with %d ms to live", job, client, value, ttl)

    def history(self):
        status, number, epochs = {}, {}, {}
        for entry, event in self.s.events:
            if not event["type"].startswith("io.sesverify.domain."):
                continue
            uid, epoch = event["source"].rpartition("/")[2], event.get("epoch", "")
            if epoch < epochs.get(uid, ""):
                self.wrong("4", "%s: event %s has epoch %s, the one before had %s", uid, entry, epoch, epochs[uid])
            epochs[uid] = epoch
            sequence, data = int(event["sequence"]), event["data"]
            if uid not in number and self.trimmed:
                number[uid], status[uid] = sequence - 1, data["from"]
            if sequence != number.get(uid, 0) + 1:
                self.wrong("4", "%s: event %d follows %d (entry %s)", uid, sequence,
                           number.get(uid, 0), entry)
            before, kind = status.get(uid), event["type"].split(".")[3]
            if before == "removed" and data["from"] is None:
                before = None  # registered anew
            if data["from"] != before:
                self.wrong("5", "%s: event %d comes from %s, the one before went to %s", uid,
                           sequence, data["from"], before)
            if (data["from"] == data["to"]) != (kind == "updated"):
                self.wrong("5", "%s: event %d is %s from %s to %s", uid, sequence, kind,
                           data["from"], data["to"])
            number[uid], status[uid] = sequence, data["to"]
        for uid, d in self.s.domains.items():
            if int(d.get("seq", 0)) != number.get(uid, 0):
                if not (self.trimmed and uid not in number):
                    self.wrong("4", "%s: the record says %s, the last event %d", uid,
                               d.get("seq"), number.get(uid, 0))
            kept = None if d.get("st") == "new" else d.get("st")
            told = status.get(uid)
            # Nobody heard of a domain that is new; nobody hears when it is given up before it was registered.
            unheard = {None, "removed"}
            if kept != told and not (kept in unheard and told in unheard):
                if not (self.trimmed and uid not in number):
                    self.wrong("5", "%s is %s, its events say %s", uid, kept, told)
        for uid in set(number) - set(self.s.domains):
            self.wrong("5", "%s has events but no record", uid)

    def job_answers(self):
        ids, outcomes = collections.Counter(), collections.Counter()
        for _, event in self.s.events:
            if event["type"] == "io.sesverify.job.finished.v1":
                ids[event["id"]] += 1
                outcomes[event["data"]["outcome"]] += 1
        for name, times in ids.items():
            if times > 1:
                self.wrong("1", "%s was answered %d times", name, times)
        if not self.trimmed:
            for outcome in OUTCOMES:
                if outcomes[outcome] != self.s.counters[outcome]:
                    self.wrong("1", "%d answers say %s, the counter %d", outcomes[outcome],
                               outcome, self.s.counters[outcome])

    def fences(self):
        for uid, d in self.s.domains.items():
            if int(d.get("cf", 0)) > int(d.get("f", 0)):
                self.wrong("6", "%s: committed fence %s, fence %s", uid, d["cf"], d["f"])
            if ("own" in d) != ("run" in self.places.get(uid, ())):
                self.wrong("6", "%s: held by %s, but is in %s", uid, d.get("own"),
                           self.places.get(uid))
        if self.s.counters["conflict"]:
            self.wrong("6", "%d commits met a state that their claim did not return",
                       self.s.counters["conflict"])

    def limits(self):
        for client, uids in self.s.clients.items():
            if self.domains_max is not None and len(uids) > self.domains_max:
                self.wrong("7", "client %s has %d domains", client, len(uids))
            for uid in uids:
                d = self.s.domains.get(uid, {})
                again = d.get("st") == "removed" and uid in self.places
                if d.get("cl") != client or (d.get("st") == "removed" and not again):
                    self.wrong("7", "%s counts for %s but is %s of %s", uid, client, d.get("st"),
                               d.get("cl"))
        for uid, d in self.s.domains.items():
            counted = uid in self.s.clients.get(d.get("cl"), {})
            if d.get("st") != "removed" and not counted:
                self.wrong("7", "%s is not counted for %s", uid, d.get("cl"))
            if self.attempts_max is not None and int(d.get("att", 0)) > self.attempts_max:
                self.wrong("7", "%s has %s attempts", uid, d["att"])

    def statuses(self):
        real = collections.Counter(d.get("st") for d in self.s.domains.values())
        kept = {name[7:]: value for name, value in self.s.counters.items()
                if name.startswith("status_")}
        for status in set(real) | set(kept):
            if real[status] != kept.get(status, 0):
                self.wrong("5", "%d domains are %s, the counter says %d", real[status], status,
                           kept.get(status, 0))

    def letters(self):
        for entry in set(self.s.dead) ^ self.s.dead_letters:
            self.wrong("9", "dead letter %s is there by half", entry)

    def at_rest(self):
        if self.s.pending or self.s.inbox:
            self.wrong("9", "%d entries left, %d of them pending", self.s.inbox, self.s.pending)
        n = self.s.counters
        settled = n["accepted"] + n["duplicate"] + n["vanished"]
        if self.sent is not None and self.sent != settled:
            self.wrong("9", "%d jobs were sent, %d settled", self.sent, settled)


def check(redis, prefix="sv", shards=1, **options):
    """All violations, as sentences; empty = fine."""
    found = []
    for shard in range(shards):
        found += Checker(Shard(redis, prefix, shard), **options).run()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--prefix", default="sv")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--rest", action="store_true", help="nothing is on its way any more")
    parser.add_argument("--trimmed", action="store_true", help="the outbox does not go back to 1")
    args = parser.parse_args()
    found = check(redis_module.from_url(args.url), args.prefix, args.shards, rest=args.rest,
                  trimmed=args.trimmed)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
