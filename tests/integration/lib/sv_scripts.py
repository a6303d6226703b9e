"""The store's Lua scripts called from Python, as the C adapter calls them: EVALSHA, never EVAL.

Used by the script tests and by everything that needs a domain in Redis without a worker.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import zlib

SOURCE = pathlib.Path(
    os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
LUA = SOURCE / "lib" / "adapt" / "store" / "lua"
RECEIPT_MS = 7 * 24 * 3600 * 1000


def uid_of(account, client, domain):
    text = "\0".join((account, client, domain)).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def shard_of(client, shards=1):
    return zlib.crc32(client.encode()) % shards


def rfc3339(ms):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)


def pack(fields):
    """The fields as one argument: name 0 value 0 ..."""
    return b"".join(n.encode() + b"\0" + str(v).encode() + b"\0" for n, v in fields.items())


def escape(client):
    """A client's name inside a longer key: two clients must never share one."""
    return client.replace("%", "%25").replace(":", "%3A")


def text_of(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [text_of(v) for v in value]
    return value


class Scripts:
    """`unfenced` strips the lines of commit.lua that check the fence: a broken build on purpose."""

    owns = {}  # (uid, fence) -> who claimed, for all of them

    def __init__(self, redis, prefix="sv", shard=0, unfenced=False):
        self.redis = redis
        self.tag = "%s:{%d}:" % (prefix, shard)
        self.prefix = prefix
        self.shard = shard
        self.shas = {}
        for path in sorted(LUA.glob("*.lua")):
            text = compose(path)
            if unfenced and path.stem == "commit":
                text = strip_fence_checks(text)
            self.shas[path.stem] = redis.script_load(text)

    def key(self, name):
        return self.tag + name

    def setup(self):
        self.redis.xgroup_create(self.key("jobs"), "verify", id="0", mkstream=True)

    def call(self, name, keys, args):
        return text_of(self.redis.evalsha(self.shas[name], len(keys), *keys, *args))

    def queues(self, client):
        return [self.key("due:hi:" + client), self.key("due:lo:" + client), self.key("ring"),
                self.key("ring:hi"), self.key("run")]

    def receipt(self, client, job_id):
        return self.key("job:%s:%s" % (escape(client), job_id))

    def push(self, job="{}"):
        return text_of(self.redis.xadd(self.key("jobs"), {"job": job}))

    def take(self, consumer="c1", count=64):
        reply = self.redis.xreadgroup("verify", consumer, {self.key("jobs"): ">"}, count=count)
        return [text_of(entry) for _, entries in reply for entry, _ in entries]

    def admit(self, entry, client, uid, job_id, kind, **opt):
        head = opt.get("head") or json.dumps(
            {"type": "io.sesverify.job.finished.v1", "source": "/sesverify/jobs/%d" % self.shard,
             "id": "job.%d.%s" % (self.shard, entry)})[:-1] + ',"data":{"job_id":%s,' % json.dumps(
                 job_id)
        keys = [self.key("jobs"), self.key("d:" + uid)] + self.queues(client) + [
            self.key("c:" + client), self.key("n"), self.key("events"),
            self.receipt(client, job_id)]
        args = [entry, client, uid, job_id, kind, opt.get("refusal", ""), opt.get("todo", 0),
                opt.get("withdrawn", 0), opt.get("email", ""), opt.get("domains_max", 10), opt.get("attempts_max", 5),
                opt.get("cooldown_ms", 3600000), pack(opt.get("fields", {})), head,
                opt.get("tail", "}}"), RECEIPT_MS]
        return self.call("admit", keys, args)

    def dead_keys(self, entry):
        return [self.key("jobs"), self.key("n"), self.key("events"), self.key("dead"),
                self.key("dead:" + entry)]

    def bury(self, entry, reason, error, payload, event):
        return self.call("bury", self.dead_keys(entry), [entry, reason, error, payload, event])

    def fetch(self, entry, consumer="c1", bytes_max=65536, deliveries_max=0):
        return self.call("fetch", self.dead_keys(entry), [entry, consumer, bytes_max, self.shard, deliveries_max])

    def retry(self, entry, job="", bytes_max=65536):
        return self.call("retry", [self.key("jobs"), *self.dead_keys(entry)[3:]], [entry, job, bytes_max])

    def drop(self, entry):
        return self.call("drop", self.dead_keys(entry)[3:], [entry])

    def pause(self, verb, field, by="op", why="why", notes_max=1000):
        return self.call("pause", ["%s:{pause}" % self.prefix], [verb, field, by, why, notes_max])

    def look(self, uid, client, job_id="", any_client=False):
        keys = [self.key("d:" + uid)] + self.queues(client) + [self.key("c:" + client), self.key("x:" + uid)]
        if job_id:
            keys.append(self.receipt(client, job_id))
        return self.call("look", keys, [uid, client, job_id, int(any_client)])

    def claim(self, uid, client, own, lease_ms=60000):
        keys = [self.key("d:" + uid)] + self.queues(client) + [self.key("c:" + client)]
        answer = self.call("claim", keys, [uid, client, lease_ms, own])
        if answer[0] == "CLAIMED":
            self.owns[uid, answer[1]] = own
        return answer

    def holder(self, uid, fence, own=None):
        """Who claimed under that fence last, unless a test says otherwise."""
        return own or self.owns.get((uid, int(fence)), "nobody")

    def renew(self, uid, fence, lease_ms=60000, own=None):
        return self.call("renew", [self.key("d:" + uid), self.key("run")], [uid, self.holder(uid, fence, own), fence, lease_ms])

    def release(self, uid, client, fence, wait_ms=0, own=None):
        keys = [self.key("d:" + uid)] + self.queues(client)
        return self.call("release", keys, [uid, client, self.holder(uid, fence, own), fence, wait_ms])

    def commit(self, uid, client, fence, sequence, from_, to, **opt):
        job_id = opt.get("job_id", "")
        keys = [self.key("d:" + uid)] + self.queues(client) + [
            self.key("c:" + client), self.key("events"), self.key("n"), self.key("x:" + uid), self.key("meta")]
        if job_id:
            keys.append(self.receipt(client, job_id))
        texts = []
        for text in (opt.get("detail"), opt.get("change")):
            texts += ["" if text is None else "set" if text else "delete", text or ""]
        flags = ["1" if opt.get(name) else "0" for name in ("give_back", "reset", "forget")]
        args = [uid, client, self.holder(uid, fence, opt.get("own")), fence, sequence, from_, to, pack(opt.get("fields", {})),
                b"".join(n.encode() + b"\0" for n in opt.get("delete", ())),
                opt.get("wait_ms", 60000), "1" if opt.get("urgent") else "0",
                opt.get("event", ""), job_id, opt.get("outcome", ""), opt.get("job_event", ""),
                *flags, *texts, opt.get("bytes_max", 4096), opt.get("changes_max", 20), RECEIPT_MS]
        return self.call("commit", keys, args)

    def reap(self, uid, client, job_id="", entry="", reclaims_max=5, crash_wait_ms=3600000):
        keys = [self.key("d:" + uid)] + self.queues(client) + [self.key("n")]
        if job_id:
            keys += [self.key("events"), self.key("dead"), self.key("dead:" + entry),
                     self.receipt(client, job_id)]
        args = [uid, client, reclaims_max, crash_wait_ms, RECEIPT_MS, job_id, entry, self.shard]
        return self.call("reap", keys, args)

    def reap_found(self, uid, **opt):
        """As the adapter does: looks up whose it is first."""
        found = text_of(self.redis.hmget(self.key("d:" + uid), "cl", "jid", "job"))
        client, job_id, entry = (v or "" for v in found)
        return self.reap(uid, client, job_id, entry, **opt)

    def own(self, verb, registrable, domain, account, client, uid, **opt):
        return self.call("own", ["%s:{o:%s}" % (self.prefix, registrable)], [
            verb, domain, account, client, uid, "1" if opt.get("overlap") else "0",
            opt.get("claiming_ms", 3600000), opt.get("names_max", 1000), opt.get("seen_at", 0), opt.get("idle_ms", 0)])

    def trim(self, keep_ms, entries_max=100):
        """[deleted, 1 when there are more, the group that still needs an old one]"""
        return self.call("trim", [self.key("events"), self.key("n")], [keep_ms, entries_max])

    def gcra(self, interval_us, worker="w1", throttled=False, account="default", region="eu-west-1", action="Get"):
        """[microseconds to wait, interval, workers, now]"""
        key = "%s:{q:%s:%s:%s}" % (self.prefix, account, region, action)
        return self.call("gcra", [key, key + ":line"], [interval_us, worker, int(throttled)])

    def domain(self, uid):
        return {text_of(k): text_of(v)
                for k, v in self.redis.hgetall(self.key("d:" + uid)).items()}

    def counters(self):
        return {text_of(k): int(v) for k, v in self.redis.hgetall(self.key("n")).items()}

    def events(self):
        return [json.loads(fields[b"event"])
                for _, fields in self.redis.xrange(self.key("events"))]

    def domain_event(self, uid, sequence, from_, to, kind=None):
        kind = kind or to
        return json.dumps({
            "specversion": "1.0", "type": "io.sesverify.domain.%s.v1" % kind,
            "source": "/sesverify/default/" + uid, "id": "%s.%010d.%s" % (uid, sequence, kind),
            "sequence": "%010d" % sequence, "data": {"domain_id": uid, "from": from_, "to": to}})

    def job_event(self, entry, job_id, outcome, reason=None):
        data = {"job_id": job_id, "outcome": outcome}
        if reason:
            data["reason"] = reason
        return json.dumps({
            "specversion": "1.0", "type": "io.sesverify.job.finished.v1",
            "source": "/sesverify/jobs/%d" % self.shard,
            "id": "job.%d.%s" % (self.shard, entry), "data": data})


def compose(path):
    """The script as the build makes it (cmake/compose.cmake), straight from the tree."""
    def piece(line):
        file = path.parent / "shared" / (line[1] + ".lua")
        assert file.exists(), "%s: `-- include %s` names no known piece" % (path, line[1])
        return file.read_text()
    first, rest = re.sub(r"^-- include (.*)\n", piece, path.read_text(), flags=re.M).split("\n", 1)
    commands = sorted({"{ %s }" % words for words in re.findall(r"redis\.p?call\(('[A-Z]+'(?:, '[A-Z]+')?)", rest)})
    may = (path.parent / "shared" / "may.lua").read_text().replace("COMMANDS", ", ".join(commands)) if commands else ""
    return first + "\n" + may + rest


def strip_fence_checks(text):
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.rstrip().endswith("-- fence check")]
    assert len(kept) < len(lines), "commit.lua marks no fence check"
    return "".join(kept)
