#!/usr/bin/env node
// Receives sesverify's webhooks and checks their signatures (Standard Webhooks 1.0). Needs nothing but Node.
//
//     WEBHOOK_SECRETS="whsec_... whsec_..." PORT=8080 node webhook.js
//
// Several secrets, separated by blanks, while one replaces another. Put a server that speaks TLS in front.
"use strict";
const crypto = require("crypto");
const http = require("http");

const BODY_BYTES_MAX = 64 * 1024;
const TOLERANCE_S = 300; // older, or from further ahead: somebody replays what he overheard
const REMEMBERED_MAX = 10000;
const SECRETS = (process.env.WEBHOOK_SECRETS || "").split(" ").filter(Boolean)
  .map((word) => Buffer.from(word.replace(/^whsec_/, ""), "base64"));
// Source and id: the highest epoch it was seen in. Keep it in your database, in the transaction that applies the event.
const seen = new Map();

function same(ours, theirs) {
  return ours.length === theirs.length && crypto.timingSafeEqual(ours, theirs);
}

// null when the message is genuine; otherwise what is wrong with it.
function whyNot(headers, body, nowS = Date.now() / 1000) {
  const id = headers["webhook-id"] || "";
  const stamp = headers["webhook-timestamp"] || "";
  if (!id || !/^[0-9]+$/.test(stamp)) return "no id, or no timestamp";
  if (Math.abs(nowS - Number(stamp)) > TOLERANCE_S) return "too old, or from the future";
  const signed = Buffer.concat([Buffer.from(`${id}.${stamp}.`), body]);
  const ours = SECRETS.map((secret) => crypto.createHmac("sha256", secret).update(signed).digest());
  const theirs = (headers["webhook-signature"] || "").split(" ").filter((word) => word.startsWith("v1,"))
    .map((word) => Buffer.from(word.slice(3), "base64"));
  return ours.some((one) => theirs.some((other) => same(one, other))) ? null : "no signature is ours";
}

function receive(headers, body) {
  const why = whyNot(headers, body);
  if (why) {
    console.log(JSON.stringify({ what: "refused", why }));
    return 401;
  }
  const event = JSON.parse(body);
  const key = JSON.stringify([event.source, event.id]);
  const epoch = event.epoch || "";
  const what = seen.has(key) && epoch <= seen.get(key) ? "repeated" : "received";
  if (what === "received") seen.set(key, epoch); // after Redis lost writes a known id comes in a higher epoch, and may say something else
  if (seen.size > REMEMBERED_MAX) seen.delete(seen.keys().next().value);
  console.log(JSON.stringify({ what, source: event.source, id: event.id, type: event.type }));
  return 204;
}

function onRequest(request, response) {
  const pieces = [];
  let bytes = 0;
  request.on("data", (piece) => {
    bytes += piece.length;
    if (bytes <= BODY_BYTES_MAX) pieces.push(piece);
  });
  request.on("end", () => {
    let status = 400;
    try {
      if (bytes > BODY_BYTES_MAX) status = 413;
      else if (request.method === "POST") status = receive(request.headers, Buffer.concat(pieces));
    } catch (error) {
      console.error(String(error)); // signed, but no event
    }
    response.writeHead(status).end();
  });
}

if (SECRETS.length === 0) {
  console.error("WEBHOOK_SECRETS is empty");
  process.exit(64);
}
const server = http.createServer(onRequest);
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST || "127.0.0.1", () => {
  console.log(JSON.stringify({ what: "listening", port: server.address().port }));
});
