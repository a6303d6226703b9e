"""What a kill run asks Redis, over all shards: who holds what, what was told, what the counters say."""
import collections
import json


class Store:
    def __init__(self, redis, shards):
        self.redis, self.shards = redis, shards
        self.tags = ["sv:{%d}:" % shard for shard in range(shards)]
        self.seen = []  # all events, in the order in which they were read
        self._last = {}

    def counters(self):
        sums = collections.Counter()
        for tag in self.tags:
            sums.update({k.decode(): int(v) for k, v in self.redis.hgetall(tag + "n").items()})
        return sums

    def keys(self, pattern):
        return [key for tag in self.tags for key in self.redis.scan_iter(tag + pattern, count=1000)]

    def running(self):
        # Not zrange(): redis-py 4.3 fails over its options when a slot is on its way.
        return [f"{tag}d:{uid.decode()}" for tag in self.tags for uid in self.redis.execute_command("ZRANGE", tag + "run", 0, -1)]

    def fields(self, keys, *names):
        """The fields of each of these hashes, in one round trip."""
        pipe = self.redis.pipeline(transaction=False)
        for key in keys:
            pipe.hmget(key, *names)
        return pipe.execute()

    def claims(self, name):
        """What a worker holds under a lease now, key -> fence: its name begins each claim's owner."""
        keys, mark = self.running(), f"{name}.".encode()
        return {key: int(fence) for key, (owner, fence) in zip(keys, self.fields(keys, "own", "f"))
                if (owner or b"").startswith(mark)}

    def taken(self, name):
        """Entries of the inbox that a worker has read and not admitted yet."""
        waiting = 0
        for tag in self.tags:
            for consumer in self.redis.xinfo_consumers(tag + "jobs", "verify"):
                if consumer["name"] == name.encode():
                    waiting += consumer["pending"]
        return waiting

    def inbox(self):
        return sum(self.redis.xlen(tag + "jobs") for tag in self.tags)

    def at_rest(self):
        pending = sum(self.redis.xpending(tag + "jobs", "verify")["pending"] for tag in self.tags)
        return self.counters()["open"] == 0 and pending == 0 and self.inbox() == 0

    def events(self):
        """All events so far; what was read once stays read, as with any consumer, even if Redis loses it."""
        for tag in self.tags:
            last = self._last.get(tag)
            for entry, fields in self.redis.xrange(tag + "events", min="-" if last is None else "(" + last):
                self._last[tag] = entry.decode()
                self.seen.append(json.loads(fields[b"event"]))
        return self.seen

    def read_anew(self):
        """From the first event on: after a loss new entries may stand where others were read."""
        self.seen, self._last = [], {}
        return self.events()

    def tell(self, workers):
        """What keeps the store from coming to rest."""
        print("counters", dict(self.counters()))
        for tag in self.tags:
            print("inbox", tag, self.redis.xlen(tag + "jobs"), self.redis.xpending_range(tag + "jobs", "verify", "-", "+", 5))
        for key in self.redis.scan_iter("sv:{q:*"):
            text = self.redis.type(key) == b"string"
            print(key.decode(), self.redis.get(key) if text else self.redis.zrange(key, 0, -1, withscores=True))
        for worker in workers:
            if worker.alive():
                told = [line for line in worker.text().splitlines() if '"warn"' in line or '"error"' in line]
                print("\n".join(f"   {worker.name} {line}" for line in told[-8:]))
        self.tell_late(workers, lambda fields: b"job" in fields)

    def tell_late(self, workers, is_late):
        """What is known of the first domains that did not arrive."""
        late = [fields for fields in map(self.redis.hgetall, self.keys("d:*")) if is_late(fields)]
        print(f"{len(late)} domains are late; it is {self.redis.time()[0]}; {dict(self.counters())}")
        for fields in late[:3]:
            fields = {k.decode(): v.decode() for k, v in fields.items()}
            print(fields)
            for event in self.events():
                data = event["data"]
                if data.get("domain") == fields.get("dom"):
                    print("  ", event["time"], event["type"].split(".")[2:4], data.get("type"), data.get("job_id"),
                          data.get("outcome"), data.get("reason"), data.get("to"))
            for worker in workers:
                told = [line for line in worker.text().splitlines() if fields.get("dom", "?") in line and '"info"' not in line]
                print("\n".join(f"   {worker.name} {line}" for line in told[-4:]))
