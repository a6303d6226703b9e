#!/usr/bin/env node
// Reads sesverify's events and keeps the last one of every domain in a Redis hash of its own. Needs: the package "redis", 4.x.
//
//     REDIS_URL=redis://127.0.0.1 GROUP=billing NAME=one node consumer.js [--until-empty]
//
// An event is remembered before it is acknowledged: whatever is killed, none is lost, and one that comes again is recognised.
"use strict";
const { createClient, commandOptions } = require("redis");

const STREAM = process.env.STREAM || "sv:{0}:events"; // one for each shard
const GROUP = process.env.GROUP || "billing";
const NAME = process.env.NAME || "one"; // of this reader; keep it over restarts
const DOMAINS = `${GROUP}:domains`;
const ANSWERS_KEPT_S = 8 * 24 * 3600; // longer than events.retention

function tell(what, event, more) {
  console.log(JSON.stringify({ what, source: event.source, id: event.id, ...more }));
}

async function takeAnswer(client, event) {
  const fresh = await client.set(`${GROUP}:answer:${event.source}:${event.id}`, event.data.outcome, { NX: true, EX: ANSWERS_KEPT_S });
  tell(fresh ? "applied" : "repeated", event);
}

async function takeChange(client, event) {
  const known = await client.hGet(DOMAINS, event.source);
  const last = known ? JSON.parse(known) : { sequence: "0000000000", epoch: "" };
  const epoch = event.epoch || "";
  // Of a history that Redis lost; the higher epoch is the one that counts.
  if (epoch < last.epoch) return tell("outdated", event);
  if (epoch === last.epoch && event.sequence <= last.sequence) return tell("repeated", event);
  // What it says is whole all the same; look up what you missed if you need it.
  if (Number(event.sequence) > Number(last.sequence) + 1) tell("gap", event, { after: last.sequence });
  const { client_id, domain, to, sending_enabled } = event.data;
  await client.hSet(DOMAINS, event.source, JSON.stringify({
    sequence: event.sequence, epoch, id: event.id, client_id, domain, status: to, may_send: sending_enabled }));
  tell("applied", event);
}

async function take(client, message) {
  const event = JSON.parse(message.event);
  if (event.type.includes(".domain.")) await takeChange(client, event);
  else if (event.type === "io.sesverify.job.finished.v1") await takeAnswer(client, event);
}

async function main() {
  const untilEmpty = process.argv.includes("--until-empty");
  const url = process.env.REDIS_URL || "redis://127.0.0.1";
  const client = createClient(url.startsWith("unix://") ? { socket: { path: url.slice("unix://".length) } } : { url });
  client.on("error", (error) => console.error(String(error)));
  await client.connect();
  await client.xGroupCreate(STREAM, GROUP, "0", { MKSTREAM: true }).catch((error) => {
    if (!error.message.startsWith("BUSYGROUP")) throw error;
  });
  let id = "0"; // first what this reader was given and had not acknowledged when it ended; then ">", what is new
  for (;;) {
    const options = untilEmpty ? { COUNT: 100 } : { COUNT: 100, BLOCK: 5000 };
    const answer = await client.xReadGroup(commandOptions({ isolated: true }), GROUP, NAME, [{ key: STREAM, id }], options);
    const messages = answer ? answer[0].messages : [];
    for (const entry of messages) {
      if (entry.message && entry.message.event) await take(client, entry.message);
      await client.xAck(STREAM, GROUP, entry.id);
    }
    if (messages.length === 0 && id === ">" && untilEmpty) break;
    if (messages.length === 0) id = ">";
  }
  await client.quit();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
