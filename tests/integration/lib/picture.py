"""What an installation holds, however many shards it has: for tests that change their number.

    before = picture(redis, 1)
    ...
    assert picture(redis, 4) == before      # everything is there, once, and in its place
"""
import collections
import json
import zlib


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _client_of(payload, *path):
    try:
        found = json.loads(payload)
        for key in path:
            found = found[key]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


class Shard:
    def __init__(self, redis, number, shards, prefix):
        self.redis, self.number, self.shards = redis, number, shards
        self.tag = f"{prefix}:{{{number}}}:"

    def keys(self, pattern):
        return sorted(_text(key).removeprefix(self.tag) for key in self.redis.scan_iter(self.tag + pattern, count=1000))

    def place(self, what, client):
        """Whatever names a client has to be where the client belongs."""
        if client is not None:
            home = zlib.crc32(client.encode()) % self.shards
            assert home == self.number, f"{what} of {client} is in shard {self.number}, not {home}"

    def domain(self, uid):
        fields = {_text(k): _text(v) for k, v in self.redis.hgetall(f"{self.tag}d:{uid}").items()}
        client = fields["cl"]
        self.place(f"domain {uid}", client)
        scores = [self.redis.zscore(self.tag + key, uid) for key in (f"due:hi:{client}", f"due:lo:{client}", "run")]
        return {"fields": fields, "scores": scores, "email": _text(self.redis.hget(f"{self.tag}c:{client}", uid)),
                "detail": _text(self.redis.get(f"{self.tag}x:{uid}"))}

    def receipt(self, name):
        client = name.split(":")[1].replace("%3A", ":").replace("%25", "%")
        self.place(name, client)
        return _text(self.redis.get(self.tag + name)), self.redis.ttl(self.tag + name) > 0

    def letter(self, entry):
        fields = {_text(k): _text(v) for k, v in self.redis.hgetall(f"{self.tag}dead:{entry}").items()}
        self.place(f"letter {entry}", fields.get("client_id") or _client_of(fields.get("payload", ""), "client_id"))
        assert self.redis.zscore(self.tag + "dead", entry) is not None, entry
        return tuple(sorted(fields.items()))

    def job(self, fields):
        payload = _text(fields.get(b"job", b""))
        self.place(f"job {payload}", _client_of(payload, "client_id"))
        try:
            job = json.loads(payload)
        except ValueError:
            return payload
        return tuple(sorted((key, str(value)) for key, value in job.items() if key != "id"))


def picture(redis, shards, prefix="sv", most=64):
    """A dictionary to be compared; fails on what is in the wrong shard, twice, or in a shard that should not be."""
    seen = {"domains": {}, "receipts": {}, "stories": {}, "answers": collections.Counter(), "letters": collections.Counter(),
            "jobs": collections.Counter(), "counters": collections.Counter()}
    for number in range(shards):
        shard = Shard(redis, number, shards, prefix)
        for uid in (key[2:] for key in shard.keys("d:*")):
            assert uid not in seen["domains"], f"domain {uid} is in two shards"
            seen["domains"][uid] = shard.domain(uid)
        for name in shard.keys("job:*"):
            seen["receipts"][name] = shard.receipt(name)
        seen["letters"].update(shard.letter(key[5:]) for key in shard.keys("dead:*"))
        seen["jobs"].update(shard.job(fields) for _, fields in redis.xrange(shard.tag + "jobs"))
        for _, fields in redis.xrange(shard.tag + "events"):
            event = json.loads(fields[b"event"])
            shard.place(f"event {event['id']}", event["data"].get("client_id"))
            if "sequence" in event:
                seen["stories"].setdefault(event["source"], []).append((event["sequence"], event["id"]))
            else:
                seen["answers"][event["id"]] += 1
        for name, value in redis.hgetall(shard.tag + "n").items():
            seen["counters"][_text(name)] += int(value)
    seen["counters"] = {name: value for name, value in seen["counters"].items() if value}
    left = [key for number in range(shards, most) for key in redis.scan_iter(f"{prefix}:{{{number}}}:*", count=1000)]
    assert not left, f"keys of shards that should not be: {left}"
    return seen
