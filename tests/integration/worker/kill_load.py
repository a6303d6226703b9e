"""The load of a kill run: jobs of all kinds, records that come and go, statuses that SES changes by itself."""
import collections
import json
import zlib

import redis as redis_module

from world import zone_line

KINDS = ["recheck"] * 6 + ["register"] * 3 + ["remove"] * 2 + ["adopt"] * 2 + ["again", "refused", "broken"]
WHIMS = [{"dkim": "TemporaryFailure"}, {"dkim": "Failed"}, {"dkim": "Success", "identity": "Success"},
         {"identity": "TemporaryFailure"}, {"mail_from": "TemporaryFailure"}]
JOBS_A_STIR = 8
BURST = 60

Sent = collections.namedtuple("Sent", "shard entry word")  # of jobs with the same word one is done


class Load:
    def __init__(self, world, store, domains, dice):
        self.world, self.store, self.dice = world, store, dice
        self.names = [f"d{i:03}.example" for i in range(domains)]
        self.client = {name: f"client-{i % 13}" for i, name in enumerate(self.names)}
        self.lines = {}     # domain -> its records as zone lines
        self._told = 0      # events that were looked at for them
        self.sent = []      # what Redis took
        self.unsent = 0     # entries that Redis refused
        self.last_job = {}  # domain -> the last job with an id

    def push(self, kind, name, **fields):
        self.push_raw(self.client[name], json.dumps({"type": kind, "client_id": self.client[name], "domain": name, **fields}))

    def push_raw(self, client, text, word=None):
        shard = zlib.crc32(client.encode()) % self.store.shards
        try:
            entry = self.world.redis.xadd(self.store.tags[shard] + "jobs", {"job": text})
        except redis_module.exceptions.RedisError:  # full, or gone: a producer has to try again, and we do not
            self.unsent += 1
            return
        self.sent.append(Sent(shard, entry.decode(), word or f"{shard}.{entry.decode()}"))

    def register_all(self):
        for name in self.names:
            self.push("register", name, mail_from="bounce")

    def learn(self):
        """The records of newly registered domains."""
        events = self.store.events()
        for event in events[self._told:]:
            if event["type"] == "io.sesverify.domain.registered.v1":
                self.lines[event["subject"]] = [zone_line(r) for r in event["data"]["dns_records"]]
        self._told = len(events)

    def send_one(self, number):
        name, kind = self.dice.choice(self.names), self.dice.choice(KINDS)
        if kind == "again" and name in self.last_job:  # word for word what was sent before: done once
            self.push_raw(self.client[name], self.last_job[name], word=json.loads(self.last_job[name])["id"])
        elif kind == "refused":
            self.push_raw(self.client[name], json.dumps({"type": "register", "client_id": self.client[name], "domain": "co.uk"}))
        elif kind == "broken":
            self.push_raw(self.client[name], '{"type":"recheck",')
        elif kind in ("recheck", "again"):
            job = {"type": "recheck", "client_id": self.client[name], "domain": name, "id": f"j{number}"}
            self.last_job[name] = json.dumps(job)
            self.push_raw(self.client[name], self.last_job[name], word=job["id"])
        else:
            more = {"mail_from": "bounce"} if kind != "remove" and self.dice.random() < 0.8 else {}
            self.push(kind, name, **more)

    def stir(self):
        """Some domains' records go, the others' are right; SES thinks again about some; some jobs arrive."""
        self.learn()
        self.world.publish_many({name: lines if self.dice.random() < 0.6 else lines[1:]
                                 for name, lines in self.lines.items()})
        known = sorted(self.lines)
        if known:
            whim = {"names": self.dice.sample(known, max(1, len(known) // 10)), **self.dice.choice(WHIMS)}
            try:
                self.world.sandbox.control.post("/identities", whim)
            except Exception as error:  # one of them was removed meanwhile
                if "404" not in str(error):
                    raise
        for _ in range(JOBS_A_STIR):
            self.send_one(len(self.sent) + self.unsent)

    def burst(self):
        """Many jobs at one instant, all in the same shard, so that one worker reads them at once."""
        client = self.client[self.dice.choice(self.names)]
        names = [name for name in self.names if self.client[name] == client]
        shard = zlib.crc32(client.encode()) % self.store.shards
        pipe = self.world.redis.pipeline()
        for _ in range(BURST):
            job = {"type": "recheck", "client_id": client, "domain": self.dice.choice(names)}
            pipe.xadd(self.store.tags[shard] + "jobs", {"job": json.dumps(job)})
        try:
            entries = [entry.decode() for entry in pipe.execute()]
        except redis_module.exceptions.RedisError:
            self.unsent += BURST
            return
        self.sent += [Sent(shard, entry, f"{shard}.{entry}") for entry in entries]

    def settle(self):
        """The last word to every domain: it is there, and its records are right."""
        for name in self.names:
            self.push("register", name, mail_from="bounce")
        self.calm()

    def calm(self):
        """All records as they should be; the zone is read anew only when that changed something."""
        self.learn()
        if any(self.world.lines.get(name) != lines for name, lines in self.lines.items()):
            self.world.publish_many(dict(self.lines))
