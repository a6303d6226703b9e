/* Draws what the status port tells. Texts from outside only ever become text nodes: nothing here makes markup. */
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const STATUSES = {
    new: "grey", pending_verification: "yellow", verified: "green", at_risk: "yellow", failed: "red", removed: "grey",
  };
  const RECORDS = { ok: "green", wrong: "red", waiting: "yellow", unknown: "grey" };
  const SEVERITIES = { error: "red", warning: "yellow", info: "grey", temporary: "grey" };
  const HISTORY = 90;
  const STATUS_EVERY_MS = 2000;
  const EVENTS_EVERY_MS = 5000;

  /* A node with attributes and children; strings become text. */
  function node(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined).map(
      (child) => (child instanceof Node ? child : String(child))));
    return made;
  }

  const tag = (text, colour) => node("span", { class: `tag ${colour || "grey"}` }, text);
  const statusTag = (status) => tag((status || "new").replaceAll("_", " "), STATUSES[status] || "grey");
  const number = (value) => Number(value || 0).toLocaleString("en-US");
  const client = (id) => node("span", { class: "client", title: id }, id);
  const link = (domain) => node("a", { href: `#domain/${encodeURIComponent(domain)}` }, domain);

  function span(ms) {
    if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
    if (ms < 10000) return `${(ms / 1000).toFixed(1)} s`;
    if (ms < 120000) return `${Math.round(ms / 1000)} s`;
    if (ms < 7200000) return `${Math.round(ms / 60000)} min`;
    if (ms < 172800000) return `${Math.round(ms / 3600000)} h`;
    return `${Math.round(ms / 86400000)} d`;
  }

  function when(text, now = Date.now()) {
    if (!text) return "";
    const ms = Date.parse(text) - now;
    const shown = ms >= 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
    return node("time", { datetime: text, title: text }, shown);
  }

  /* heads: [title, class]; rows of cells. */
  function table(heads, rows, empty, shape) {
    if (rows.length === 0) return node("p", { class: "dim" }, empty);
    return node("table", { class: shape },
      node("thead", null, node("tr", null, heads.map(([title, kind]) => node("th", { class: kind, scope: "col" }, title)))),
      node("tbody", null, rows.map((cells) => node("tr", null, cells.map((cell, i) => node("td", { class: heads[i][1] }, cell))))));
  }

  /* A cell that says what it is where the table's head is not shown. */
  const fact = (name, value, colour) => [node("span", { class: "of" }, name), node("span", { class: colour }, value)];
  const facts = (rows) => rows.flatMap(([name, value, colour]) => [node("dt", null, name), node("dd", { class: colour }, value)]);

  async function ask(path) {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error || `status ${answer.status}`);
    return told;
  }

  /* ---- the overview ---- */

  let before = null;
  const history = [];

  function perSecond(now, read) {
    if (!before || before.worker !== now.worker) return null;
    const seconds = (Date.parse(now.time) - Date.parse(before.time)) / 1000;
    return seconds > 0 ? Math.max(0, (read(now) - read(before)) / seconds) : null;
  }

  const calls = (told) => (told.accounts || []).reduce((sum, account) => sum + account.calls, 0);
  const rate = (value) => (value === null ? "–" : `${value.toFixed(1)}/s`);

  function chart(rates) {
    const space = "http://www.w3.org/2000/svg";
    const top = Math.max(1, ...rates);
    const points = rates.map((value, i) => [((HISTORY - rates.length + i) / (HISTORY - 1)) * 300, 54 - (value / top) * 50]);
    const drawing = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "polyline");
    const area = document.createElementNS(space, "polygon");
    if (points.length < 2) return drawing;
    drawing.setAttribute("viewBox", "0 0 300 56");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", `Checks per second, at most ${top.toFixed(1)}`);
    area.setAttribute("points", [[points[0][0], 56], ...points, [300, 56]].join(" "));
    area.setAttribute("fill", "currentColor");
    area.setAttribute("opacity", "0.12");
    line.setAttribute("points", points.join(" "));
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", "currentColor");
    line.setAttribute("stroke-width", "1.5");
    line.setAttribute("vector-effect", "non-scaling-stroke");
    drawing.append(area, line);
    return drawing;
  }

  function showHeader(told) {
    $("who").replaceChildren(
      tag(told.phase, told.phase === "running" ? "green" : "yellow"), " ",
      tag(told.redis_ready ? "Redis answers" : "Redis is away", told.redis_ready ? "green" : "red"),
      ` ${told.worker} · ${told.version} · up ${span(Date.parse(told.time) - Date.parse(told.started_at))}`,
      told.fleet ? ` · ${told.fleet.workers} worker${told.fleet.workers === 1 ? "" : "s"}` : "");
  }

  function showFleet(fleet) {
    const all = Object.values(fleet.domains).reduce((sum, count) => sum + count, 0);
    $("fleet").replaceChildren(...Object.entries(fleet.domains).map(([status, count]) => {
      const bar = node("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = all > 0 ? `${(100 * count) / all}%` : "0";
      return node("li", null, node("a", { class: count > 0 ? STATUSES[status] : "grey", href: `#list/${status}` },
        node("b", null, number(count)), status.replaceAll("_", " "), bar));
    }));
  }

  function showWork(told) {
    const checks = perSecond(told, (at) => at.work.checks_committed);
    if (checks !== null) history.push(checks);
    history.splice(0, Math.max(0, history.length - HISTORY));
    $("chart").replaceChildren(chart(history));
    $("work").replaceChildren(...facts([
      ["checks", rate(checks)],
      ["jobs", rate(perSecond(told, (at) => at.work.jobs_taken))],
      ["SES calls", rate(perSecond(told, calls))],
      ["DNS questions", rate(perSecond(told, (at) => at.work.dns_questions))],
      ["under way", `${number(told.work.inflight)} of ${number(told.work.inflight_limit)}`],
    ]));
  }

  function showQueue(told) {
    const sum = (key) => told.queues.reduce((all, queue) => all + queue[key], 0);
    const most = (key) => Math.max(0, ...told.queues.map((queue) => queue[key]));
    const held = told.paused;
    const dead = sum("dead_letters");
    const paused = held.all ? "everything" : `${held.accounts} accounts, ${held.clients} clients`;
    $("queue").replaceChildren(...facts([
      ["jobs unread", number(sum("unread"))],
      ["jobs being admitted", number(sum("pending"))],
      ["oldest job", span(most("oldest_job_ms"))],
      ["clients with a look due", number(sum("clients_due"))],
      ["most overdue look", span(most("oldest_due_ms")), most("oldest_due_ms") > 60000 ? "yellow" : null],
      ["events in the outbox", number(sum("events"))],
      ["dead letters", number(dead), dead > 0 ? "red" : null],
      ...(held.all || held.accounts + held.clients > 0 ? [["paused", paused, "yellow"]] : []),
    ]));
  }

  function showErrors(errors) {
    const names = {
      ses: "SES", ses_throttled: "throttled by SES", redis: "Redis", dns_timeouts: "DNS silent", dns_rejected: "DNS not believed",
      retries: "repeated calls", dead_jobs: "dead jobs", log_dropped: "log lines lost", balance: "sums that do not add up",
    };
    $("errors").replaceChildren(...facts(Object.entries(names).map(
      ([key, name]) => [name, number(errors[key]), errors[key] > 0 ? "yellow" : null])));
  }

  function showAccounts(accounts) {
    const heads = [["Account"], ["Region"], ["State"], ["A call each", "number"], ["Workers", "number"], ["Rechecks", "number"],
      ["Searches", "number"], ["Guards", "number"], ["Single calls", "number"], ["Longest wait", "number"], ["Calls made", "number"]];
    $("accounts").replaceChildren(table(heads, accounts.map((account) => {
      const asks = Object.values(account.asks);
      const state = account.paused ? tag("paused", "yellow")
        : account.trouble ? [tag(account.circuit.replace("_", " "), "red"), ` ${account.trouble}`] : tag("ok", "green");
      return [account.account, account.region, state, span(account.interval_ms), number(account.workers),
        number(account.asks.recheck.waiting), number(account.asks.search.waiting), number(account.asks.guard.waiting),
        number(account.line), span(Math.max(...asks.map((one) => one.longest_ms))), number(account.calls)];
    }), "No account is configured."));
  }

  /* Only where there is a sink. */
  function showSinks(sinks) {
    const heads = [["Sink"], ["State"], ["Waiting", "number"], ["Oldest", "number"], ["Dead", "number"], ["Last failure"]];
    $("outputs").hidden = sinks.length === 0;
    $("sinks").replaceChildren(table(heads, sinks.map((sink) => {
      const state = sink.disabled ? tag("disabled", "red")
        : sink.shards_served === 0 ? tag("served elsewhere", "grey") : tag("ok", "green");
      const oldest = sink.oldest_ms > 0 ? span(sink.oldest_ms) : sink.waiting > 0 ? "?" : "–"; // not read while it is disabled
      const failure = sink.failed_at ? [when(sink.failed_at), sink.error ? `: ${sink.error}` : ""] : "none";
      return [sink.sink, state, fact("waiting", number(sink.waiting)), fact("oldest", oldest),
        fact("dead", number(sink.dead), sink.dead > 0 ? "red" : null), fact("last failure", failure)];
    }), "", "stack"));
  }

  function showSlowest(slowest) {
    $("slowest").replaceChildren(slowest
      ? table([["Domain"], ["Client"], ["At"], ["For", "number"]],
        slowest.map((busy) => [link(busy.domain), client(busy.client_id), busy.step, span(busy.age_ms)]), "Nothing is under way.")
      : node("p", { class: "dim" }, "Not shown: status.domains is false, or this name is not in status.hosts."));
  }

  function alarm(text) {
    $("alarm").hidden = !text;
    $("alarm").textContent = text || "";
  }

  async function renewStatus() {
    try {
      const told = await ask("status");
      showHeader(told);
      if (told.work) {
        showFleet(told.fleet);
        showWork(told);
        showQueue(told);
        showErrors(told.errors);
        showAccounts(told.accounts);
        showSinks(told.sinks);
        showSlowest(told.slowest);
        before = told;
      }
      alarm(told.redis_ready ? "" : "Redis does not answer: the figures are old.");
    } catch (error) {
      alarm(`The worker does not answer: ${error.message}. The figures are old.`);
    }
  }

  async function renewEvents() {
    try {
      const told = await ask("events?limit=12");
      $("events").replaceChildren(table([["When", "when"], ["Domain"], ["Client"], ["Change"]], told.events.map((event) => [
        when(event.time), link(event.domain), client(event.client_id),
        event.from === event.to ? [statusTag(event.to), " ", node("span", { class: "dim" }, event.conclusion)]
          : [event.from ? statusTag(event.from) : "registered", " → ", statusTag(event.to)],
      ]), "Nothing has happened yet.", "stack"));
    } catch (error) {
      $("events").replaceChildren(node("p", { class: "dim" }, error.message));
    }
  }

  /* ---- the list ---- */

  let next = null;
  const rows = [];

  async function list(fresh) {
    const words = new URLSearchParams();
    if (fresh) rows.splice(0);
    if ($("client").value.trim()) words.set("client", $("client").value.trim());
    if ($("status").value) words.set("status", $("status").value);
    if (!fresh && next) words.set("after", next);
    try {
      const told = await ask(`domains?${words}`);
      const known = new Set(rows.map((row) => `${row.domain} ${row.client_id} ${row.account}`));
      rows.push(...told.domains.filter((row) => !known.has(`${row.domain} ${row.client_id} ${row.account}`)));
      next = told.next;
      $("domains").replaceChildren(table(
        [["Domain"], ["Client"], ["Status"], ["Conclusion"], ["First to repair"], ["Since", "when"], ["Next look", "when"]],
        rows.map((row) => [link(row.domain), client(row.client_id), statusTag(row.status), row.conclusion, row.primary || "",
          when(row.status_since), row.checking ? "now" : when(row.next_check_at)]), "None found yet.", "stack"));
      $("walked").textContent = `${number(rows.length)} shown${next ? "; there may be more" : ", and that is all"}`;
    } catch (error) {
      next = null;
      $("domains").replaceChildren(node("p", { class: "red" }, error.message));
      $("walked").textContent = "";
    }
    $("more").hidden = !next;
  }

  /* ---- one domain ---- */

  const VERDICTS = { right: "green", wrong: "red", undecidable: "yellow" };

  function bothVerdicts(told) {
    const pairs = [["identity", "identity", "ownership"], ["DKIM", "dkim", "dkim"], ["MAIL FROM: MX", "mail_from", "mail_from_mx"],
      ["MAIL FROM: SPF", "mail_from", "mail_from_spf"], ["SPF", null, "spf"], ["DMARC", null, "dmarc"]];
    return table([["What"], ["Amazon SES says"], ["DNS says"]], pairs
      .filter(([, ses, dns]) => ses || told.dns[dns])
      .map(([name, ses, dns]) => [name, ses ? told.ses[ses].replaceAll("_", " ") : "–",
        told.dns[dns] ? tag(told.dns[dns], RECORDS[told.dns[dns]]) : "–"]), "");
  }

  function finding(told, one) {
    const evidence = one.evidence;
    return node("div", { class: `finding ${SEVERITIES[one.severity] || ""}` },
      node("p", null, tag(one.severity, SEVERITIES[one.severity]), " ", node("b", null, one.code),
        one.code === told.primary ? node("span", { class: "dim" }, " – repair this first") : ""),
      node("p", null, one.advice),
      node("p", { class: "dim" }, "at ", node("code", null, one.owner),
        evidence ? `; said by ${evidence.server || "?"}: ${evidence.outcome || ""}` : ""));
  }

  function change(one) {
    const moved = one.from !== one.to;
    const codes = [...(one.came || []).map((code) => `+ ${code}`), ...(one.went || []).map((code) => `– ${code}`)];
    return [when(one.at), moved ? [one.from ? statusTag(one.from) : "", " → ", statusTag(one.to)] : statusTag(one.to),
      one.conclusion, codes.join(", ")];
  }

  function story(told) {
    const records = told.dns_records.map((record) => [tag(record.status, RECORDS[record.status]), record.type,
      node("span", { class: "value" }, record.name), node("span", { class: "value" }, record.value), record.purpose]);
    return [
      node("p", { class: "verdict" }, node("b", null, told.domain), " ", statusTag(told.status), " ",
        tag(told.verdict, VERDICTS[told.verdict])),
      node("p", null, told.meaning),
      node("dl", { class: "facts left" }, facts([
        ["client", `${told.client_id}, account ${told.account}`],
        ["status since", when(told.status_since)],
        ["registered", when(told.registered_at)],
        ["next look", told.checking ? "now" : when(told.next_check_at)],
        ...(told.mail_meaning ? [["reputation", told.mail_meaning]] : []),
      ])),
      node("h3", null, "Tell the client"), node("p", { class: "tell" }, told.tell_client),
      node("h3", null, "Findings"),
      ...(told.findings.length ? told.findings.map((one) => finding(told, one)) : [node("p", { class: "dim" }, "None.")]),
      node("h3", null, "Both verdicts"), node("div", { class: "scroll" }, bothVerdicts(told)),
      node("h3", null, "Records to publish"),
      node("div", { class: "scroll" }, table([["DNS"], ["Type"], ["Name"], ["Value"], ["For"]], records, "None any more.", "stack")),
      node("h3", null, "What changed"),
      node("div", { class: "scroll" }, table([["When", "when"], ["Status"], ["Conclusion"], ["Findings"]],
        told.changes.map(change), "Nothing yet.", "stack")),
      node("h3", null, "What comes next"),
      node("div", { class: "scroll" }, table([["When", "when"], ["What"]],
        told.forecast.map((one) => [when(one.at), one.text]), "Nothing is foreseen.")),
    ];
  }

  async function showStory(domain) {
    const back = node("p", null, node("a", { href: "#" }, "← all domains"));
    document.title = `${domain} – sesverify`;
    $("story").replaceChildren(back, node("p", { class: "dim" }, `Looking for ${domain} …`));
    try {
      const told = await ask(`domains/${encodeURIComponent(domain)}`);
      $("story").replaceChildren(back, ...told.stories.flatMap((one, i) => [i > 0 ? node("hr") : "", ...story(one)]));
    } catch (error) {
      $("story").replaceChildren(back, node("p", { class: "verdict" }, node("b", null, domain)), node("p", null, error.message));
    }
  }

  /* ---- where we are ---- */

  function go() {
    const [, kind, rest] = /^#?(domain|list)?\/?(.*)$/.exec(location.hash) || [];
    let word = "";
    try {
      word = decodeURIComponent(rest || "");
    } catch {
      word = ""; // a broken escape names nothing
    }
    const reads = kind === "domain" && word !== "";
    $("plain").hidden = true;
    $("overview").hidden = reads;
    $("story").hidden = !reads;
    document.title = "sesverify";
    if (reads) {
      showStory(word);
      scrollTo(0, 0);
    } else if (kind === "list" && word in STATUSES) {
      $("status").value = word;
      list(true);
      $("browse").scrollIntoView();
    }
  }

  /* One after the other, and not while nobody looks. */
  async function repeat(renew, everyMs) {
    if (!document.hidden) await renew();
    setTimeout(repeat, everyMs, renew, everyMs);
  }

  for (const status of Object.keys(STATUSES)) {
    if (status !== "new") $("status").append(node("option", { value: status }, status.replaceAll("_", " ")));
  }
  $("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("name").value.trim();
    if (name) location.hash = `#domain/${encodeURIComponent(name)}`;
  });
  $("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    list(true);
  });
  $("more").addEventListener("click", () => list(false));
  addEventListener("hashchange", go);
  go();
  repeat(renewStatus, STATUS_EVERY_MS);
  repeat(renewEvents, EVENTS_EVERY_MS);
})();
