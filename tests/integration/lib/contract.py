"""Everything that programs under test emit is held against docs/schemas, and counted.

World judges the events of its Redis and the log of its workers when it ends, and what its commands print as JSON; other places that
run a command hand its output to `outputs`. The counts go to a file of the build folder, which the last test of a run adds up (emitted.py)."""
import collections
import functools
import json
import os
import pathlib
import re
import sys
import urllib.parse

import redis as redis_module

import cli_schemas

SOURCE = pathlib.Path(os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
sys.path.append(str(SOURCE / "tests" / "house"))
import log_table  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SV_BINARY_DIR", pathlib.Path(__file__).resolve().parents[3] / "build" / "debug"))
COUNTS = BUILD / "emitted.jsonl"
FINISHED = "io.sesverify.job.finished.v1"
SHOWN_MAX = 10
EVENTS_JUDGED_MAX = 10000  # of one stream: a millisecond each
PAGE = 1000


@functools.cache
def validator(name):
    return cli_schemas.load(name)


@functools.cache
def names():
    """What a line of output calls itself -> the name of its schema."""
    out = {}
    for path in cli_schemas.SCHEMAS.glob("*" + cli_schemas.SUFFIX):
        name = path.name.removesuffix(cli_schemas.SUFFIX)
        word = cli_schemas.read(name)["properties"].get("schema", {}).get("const")
        if word:
            out[word] = name
    return out


def faults_of_event(event):
    kind = event.get("type")
    return cli_schemas.faults(validator("job-finished" if kind == FINISHED else "domain-event"), event)


def faults_of_output(line):
    if line.get("schema") not in names():
        return [f"no schema in docs/schemas is called {line.get('schema')}"]
    return cli_schemas.faults(validator(names()[line["schema"]]), line)


def note(kind, counts):
    """One line, written in one piece: tests run beside each other."""
    if counts and COUNTS.parent.is_dir():
        line = json.dumps({"test": os.environ.get("PYTEST_CURRENT_TEST", sys.argv[0]), kind: counts}) + "\n"
        with COUNTS.open("ab", buffering=0) as file:
            file.write(line.encode())


def events(told):
    """Judges events."""
    wrong, counts = [], collections.Counter()
    for event in told:
        found = faults_of_event(event)
        counts[event.get("type", "?")] += 1
        if found and len(wrong) < SHOWN_MAX:
            wrong.append(f"{json.dumps(event)[:1500]}\n  " + "\n  ".join(found))
    note("events", counts)
    assert not wrong, "not as docs/schemas tells of it:\n" + "\n".join(wrong)


def outputs(text):
    """Judges what a command printed with --json: an object on each line. Returns the text."""
    counts = collections.Counter()
    lines = text.splitlines()
    if text.startswith("{\n"):  # one object over several lines
        lines = [text]
    for line in lines:
        told = json.loads(line)
        found = faults_of_event(told) if "specversion" in told else faults_of_output(told)
        assert not found, f"not as docs/schemas tells of it: {line[:1500]}\n" + "\n".join(found)
        counts[told.get("schema") or told["type"]] += 1
    note("outputs", counts)
    return text


@functools.cache
def log_events():
    return log_table.read()


def faults_of_line(line):
    """A line of a log, as docs/logs.md tells of it."""
    if line.get("event") not in log_events():
        return f"no such event: {line.get('event')}"
    levels, fields = log_events()[line["event"]]
    strange = [key for key in line if key not in log_table.ALWAYS and key not in fields and fields != ["*"]]
    if line["level"] not in levels:
        return f"level {line['level']} instead of {' or '.join(levels)}"
    return f"fields {strange}" if strange else None


def secrets_of(environment):
    """What must not be told of the settings of a program, at no level (L7)."""
    found = {value for name, value in environment.items()
             if re.search(r"^(AWS|SESVERIFY)_.*(SECRET|PASSWORD|_TOKEN$)", name) and not value.startswith("/")}
    for name, value in environment.items():
        if name.startswith("SESVERIFY_") and "://" in value:
            found.add(urllib.parse.unquote(urllib.parse.urlsplit(value.split(",")[0]).password or ""))
    return {value for value in found if len(value) >= 8}


def keeps_secrets(text, environment):
    """Fails where a program tells what its settings hold."""
    for secret in [*secrets_of(environment), "AWS4-HMAC-SHA256", "Authorization:"]:
        assert secret not in text, f"a secret is told: {text[:1000]}"


def log(path, environment):
    """Judges the log of one worker."""
    counts, wrong = collections.Counter(), []
    keeps_secrets(path.read_text(errors="replace"), environment)
    with path.open(errors="replace") as file:
        for text in file:
            if not text.startswith("{"):
                continue
            try:
                line = json.loads(text)
            except ValueError:  # cut off by a kill, or mixed with another program's
                continue
            if "specversion" in line:  # not the log's: a sink prints events
                continue
            counts[line.get("event")] += 1
            found = faults_of_line(line)
            if found:
                wrong.append(f"{text[:500].strip()}\n  {found}")
    note("logs", counts)
    assert not wrong, "not as docs/logs.md tells of it:\n" + "\n".join(wrong[:SHOWN_MAX])


def entries(redis, key):
    """The events of a stream; of a very long one, as the tests of scale make it, so many spread over all of it."""
    step, number, after = max(1, redis.xlen(key) // EVENTS_JUDGED_MAX), 0, "-"
    while page := redis.xrange(key, min=after, count=PAGE):
        for _, fields in page:
            if number % step == 0:
                yield json.loads(fields[b"event"])
            number += 1
        after = b"(" + page[-1][0]


def streams(redis):
    """Judges the events that are in a Redis; one that is away has none."""
    try:
        keys = [key for key in redis.scan_iter("*:events", count=1000) if redis.type(key) == b"stream"]
        told = [event for key in keys for event in entries(redis, key)]
    except (redis_module.exceptions.RedisError, OSError):
        return
    events(told)
