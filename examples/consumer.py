#!/usr/bin/env python3
"""Reads sesverify's events and keeps what they say in a database of its own. Needs: python3-redis.

    REDIS_URL=redis://127.0.0.1 ./consumer.py [--group billing] [--name one] [--database domains.db] [--until-empty]

An event is applied and remembered in one transaction, and acknowledged after it: whatever is killed, none is lost, and one that
comes again is recognised."""
import argparse
import json
import os
import sqlite3

import redis

TABLES = """
CREATE TABLE IF NOT EXISTS domains (source TEXT PRIMARY KEY, sequence TEXT, epoch TEXT, id TEXT, client_id TEXT, domain TEXT,
                                    status TEXT, may_send INTEGER);
CREATE TABLE IF NOT EXISTS answers (source TEXT, id TEXT, job_id TEXT, outcome TEXT, reason TEXT, PRIMARY KEY (source, id));
"""


def tell(what, event, **more):
    print(json.dumps({"what": what, "source": event["source"], "id": event["id"], **more}), flush=True)


def take_answer(database, event):
    data = event["data"]
    new = database.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
                           (event["source"], event["id"], data["job_id"], data["outcome"], data.get("reason"))).rowcount
    tell("applied" if new else "repeated", event)


def take_change(database, event):
    data, sequence, epoch = event["data"], event["sequence"], event.get("epoch", "")
    last = database.execute("SELECT sequence, epoch FROM domains WHERE source = ?", (event["source"],)).fetchone()
    last_sequence, last_epoch = last or ("0000000000", "")
    if epoch < last_epoch:
        return tell("outdated", event)  # of a history that Redis lost; the higher epoch is the one that counts
    if epoch == last_epoch and sequence <= last_sequence:
        return tell("repeated", event)
    if int(sequence) > int(last_sequence) + 1:
        tell("gap", event, after=last_sequence)  # what it says is whole all the same; look up what you missed if you need it
    database.execute("REPLACE INTO domains VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                     (event["source"], sequence, epoch, event["id"], data["client_id"], data["domain"], data["to"],
                      data["sending_enabled"]))
    tell("applied", event)


def take(database, fields):
    event = json.loads(fields["event"])
    with database:  # one transaction
        if ".domain." in event["type"]:
            take_change(database, event)
        elif event["type"] == "io.sesverify.job.finished.v1":
            take_answer(database, event)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", default="sv:{0}:events", help="one for each shard")
    parser.add_argument("--group", default="billing")
    parser.add_argument("--name", default="one", help="of this reader; keep it over restarts")
    parser.add_argument("--database", default="domains.db")
    parser.add_argument("--until-empty", action="store_true", help="end when nothing is left")
    args = parser.parse_args()
    server = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1"), decode_responses=True)
    database = sqlite3.connect(args.database)
    database.executescript(TABLES)
    try:
        server.xgroup_create(args.stream, args.group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise
    position = "0"  # first what this reader was given and had not acknowledged when it ended; then ">", what is new
    while True:
        answer = server.xreadgroup(args.group, args.name, {args.stream: position}, count=100,
                                   block=None if args.until_empty else 5000)
        entries = answer[0][1] if answer else []
        for entry, fields in entries:
            if fields:
                take(database, fields)
            server.xack(args.stream, args.group, entry)
        if not entries and position == ">" and args.until_empty:
            return
        if not entries:
            position = ">"


if __name__ == "__main__":
    main()
