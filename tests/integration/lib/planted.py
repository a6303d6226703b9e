"""Many waiting domains in a Redis, written by hand in the time that registering takes for a few: as if a worker had registered
them and SES and clients had been at work since.

    plant(server.path, 100_000, due_ms, fields=WAITING, client_of=lambda i: f"c{i // 10}")
"""
import subprocess

from sv_scripts import uid_of

CHUNK = 5000
# A domain that waits for its records, as lib/drive/state.c packs it: tests/bench/state_sample.c prints such a one.
WAITING = {
    "st": "pending_verification", "seq": 1, "f": 1, "cf": 1, "ver": 2, "mfd": "bounce.", "s": "33321114H,wwwwww,C,Pd8BC00,=,=,=",
    "g": "3KPoy6,3I3LP1,,3bxBpa,,tlkT2", "ka": "P3DFn1bJFlr8oA9giU1CKMqPqEf-7UUphjcViU7I",
    "kb": "Hjax2HS2KCEoO_FZZXAfbMclNgTcj-ChTwBNuftf",
}


def name_of(i):
    return f"d{i:07}.planted-for-scale.example"  # 34 characters; registrable below .example


def words(*parts):
    """One command as Redis reads it."""
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        text = part if isinstance(part, bytes) else str(part).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(out)


def plant(path, count, due_of, fields=None, client_of=lambda i: f"c{i // 10}", domain_of=name_of, prefix="sv:{0}:", owned=False):
    """`due_of`, `client_of`, `domain_of`: of the i-th domain; `fields` also may be such a function. `owned`: the
    names are registrable themselves, and have their owner keys."""
    fields_of = fields if callable(fields) else lambda i: fields or WAITING
    pipe = subprocess.Popen(["redis-cli", "-s", path, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False)
    ring, statuses, out = {}, {}, []
    for i in range(count):
        client, domain, due, own = client_of(i), domain_of(i), int(due_of(i)), fields_of(i)
        uid = uid_of(own.get("acct", "default"), client, domain)
        record = {"cl": client, "dom": domain, "nx": due, **own}
        out.append(words("HSET", f"{prefix}d:{uid}", *(part for pair in record.items() for part in pair)))
        out.append(words("HSET", f"{prefix}c:{client}", uid, ""))
        out.append(words("ZADD", f"{prefix}due:lo:{client}", due, uid))
        if owned:
            out.append(words("HSET", f"sv:{{o:{domain}}}", f"{domain} {own.get('acct', 'default')}", f"held {uid} {due} {client}"))
        ring[client] = min(due, ring.get(client, due))
        statuses[own["st"]] = statuses.get(own["st"], 0) + 1
        if len(out) >= CHUNK:
            pipe.stdin.write(b"".join(out))
            out.clear()
    out += [words("ZADD", f"{prefix}ring", due, client) for client, due in ring.items()]
    out += [words("HINCRBY", f"{prefix}n", f"status_{status}", number) for status, number in statuses.items()]
    told = pipe.communicate(b"".join(out))[0].decode()
    assert pipe.returncode == 0 and "errors: 0," in told, told
