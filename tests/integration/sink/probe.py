"""Runs sink_probe, the test's own courier: it delivers events to one sink and tells the answers."""
import json
import os
import pathlib
import subprocess

KEEP = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")


def program():
    root = pathlib.Path(__file__).resolve().parents[3]
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", root / "build" / "debug"))
    return str(build / "tests" / "integration" / "sink" / "sink_probe")


def event(number=1, kind="verified", client="acme", **data):
    """A parcel of a domain event, as the courier makes one."""
    uid = "acb4fca421444766"
    ident = f"{uid}.{number:010d}.{kind}"
    body = {"specversion": "1.0", "type": f"io.sesverify.domain.{kind}.v1", "source": f"/sesverify/default/{uid}",
            "id": ident, "subject": "client.example", "sequence": f"{number:010d}",
            "data": {"domain_id": uid, "client_id": client, "domain": "client.example", **data}}
    return {"id": ident, "type": body["type"], "group": uid, "client_id": client,
            "body": json.dumps(body, separators=(",", ":"), ensure_ascii=False)}


def start(kind, *options, env=None, **how):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
    environment.update({name: os.environ[name] for name in KEEP if name in os.environ})
    return subprocess.Popen([program(), kind, *map(str, options)], env=environment, encoding="utf-8",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)


def run(kind, events, *options, env=None, code=0):
    """(answers, other output): the answers as dicts, in the order they came."""
    with start(kind, *options, env=env) as process:
        out, err = process.communicate("".join(json.dumps(e) + "\n" for e in events), timeout=60)
    assert process.returncode == code, err
    if kind == "stdout":
        out, err = err, out
    return [json.loads(line) for line in out.splitlines()], err
