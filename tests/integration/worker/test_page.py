"""The page at / of the status port and its JSON, against a real worker and Redis; and in a real browser."""
import html.parser
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cli_schemas  # noqa: E402
from bad_days import wait_logged  # noqa: E402
from browser import Browser  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import DEADLINE_S, World, address  # noqa: E402

EVIL = "<img src=x onerror=alert(1)>&\"'</script><script>alert(2)</script>"


def get(worker, path, method="GET", **headers):
    """(status, headers, text)"""
    request = urllib.request.Request(f"http://{address(worker)}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def get_json(worker, path, schema, code=200):
    status, headers, text = get(worker, path)
    assert (status, headers["Content-Type"]) == (code, "application/json"), text
    told = json.loads(text)
    assert cli_schemas.faults(cli_schemas.load(schema), told) == []
    return told


def refused(worker, path, code):
    return get_json(worker, path, "page-error", code)["error"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One verified domain, one pending, and one of a client with an ugly name; and a sink whose program says no such thing."""
    config = tmp_path_factory.mktemp("place") / "sesverify.conf"
    config.write_text("[sink pipe]\nkind = exec\ncommand = /bin/false\n")
    with World() as world:
        worker = world.start_worker(args=("--config", config))
        world.push("register", "acme", "good.example", mail_from="bounce")
        world.push("register", "acme", "pending.example")
        world.push("register", EVIL, "evil.example")
        world.publish("good.example", world.wait_event("registered", "good.example")["data"]["dns_records"])
        world.wait_event("verified", "good.example")
        for domain in ("pending.example", "evil.example"):
            world.wait_event("updated", domain)
        yield world, worker


def all_domains(worker, **words):
    """Every page; (rows, pages)"""
    rows, pages, after = [], 0, None
    while pages == 0 or after:
        told = get_json(worker, "/domains?" + urllib.parse.urlencode({**words, **({"after": after} if after else {})}),
                        "page-domains")
        rows += told["domains"]
        after = told["next"]
        pages += 1
    return {(row["domain"], row["client_id"]): row for row in rows}, pages


# --- JSON ---

def test_domains(place):
    _, worker = place
    rows, _ = all_domains(worker)
    assert set(rows) == {("good.example", "acme"), ("pending.example", "acme"), ("evil.example", EVIL)}
    assert rows["good.example", "acme"]["status"] == "verified"
    assert rows["pending.example", "acme"]["primary"] == "dkim_cname_missing"
    assert {domain for domain, _ in all_domains(worker, client="acme")[0]} == {"good.example", "pending.example"}
    assert {domain for domain, _ in all_domains(worker, client=EVIL)[0]} == {"evil.example"}
    assert {domain for domain, _ in all_domains(worker, status="verified")[0]} == {"good.example"}
    assert all_domains(worker, client="nobody") == ({}, 1)
    assert all_domains(worker, client="acme:*") == ({}, 1) and all_domains(worker, client="*") == ({}, 1)


def test_a_story(place):
    _, worker = place
    told = get_json(worker, "/domains/good.example", "page-domain")
    story, = told["stories"]
    assert story["status"] == "verified" and story["client_id"] == "acme" and story["dns_records"] and story["changes"]
    assert get_json(worker, "/domains/GOOD.example.", "page-domain")["domain"] == "good.example"
    assert get_json(worker, "/domains/evil.example", "page-domain")["stories"][0]["client_id"] == EVIL


def test_events(place):
    _, worker = place
    events = get_json(worker, "/events?limit=50", "page-events")["events"]
    assert {event["domain"] for event in events} == {"good.example", "pending.example", "evil.example"}
    assert [event["time"] for event in events] == sorted((event["time"] for event in events), reverse=True)
    assert len(get_json(worker, "/events?limit=1", "page-events")["events"]) == 1


@pytest.mark.parametrize("path, code", [
    ("/domains?limit=0", 400), ("/domains?limit=101", 400), ("/domains?limit=1e1", 400), ("/domains?limit=", 400),
    ("/domains?status=well", 400), ("/domains?after=1-0", 400), ("/domains?after=0-0", 400), ("/domains?after=0", 400),
    ("/domains?after=-1-5", 400), ("/domains?after=0-99999999999999999999999", 400), ("/domains?after=0-5x", 400),
    ("/domains?client=" + "x" * 200, 400), ("/events?limit=51", 400), ("/events?limit=-1", 400),
    ("/domains/", 400), ("/domains/a..b", 400), ("/domains/%00", 400), ("/domains/%", 400), ("/domains/%4", 400), ("/domains/%zz", 400),
    ("/domains/..%2f..%2fetc", 400), ("/domains/" + "a" * 3000, 400), ("/domains/" + urllib.parse.quote(EVIL), 400),
    ("/domains/a%20b.example", 400), ("/domains/example", 404), ("/domains/nobody.example", 404), ("/domains/%f0%28.example", 400),
])
def test_what_is_refused(place, path, code):
    _, worker = place
    assert refused(worker, path, code)


def test_sinks(place):
    _, worker = place
    sink = wait_for(lambda: next((one for one in get_json(worker, "/status", "worker")["sinks"] if one["failed_at"] and one["waiting"]), None),
                    "the program to have ended", DEADLINE_S)
    assert sink["sink"] == "pipe" and not sink["disabled"] and "the program" in sink["error"], sink
    assert "error" not in json.loads(get(worker, "/status", Host="evil.example")[2])["sinks"][0]
    assert "<caption>Sink pipe</caption>" in get(worker, "/")[2]


def test_it_only_reads(place):
    world, worker = place
    for path in ("/", "/domains", "/events", "/domains/good.example", "/script.js"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert get(worker, path, method)[0] == 405
    assert get(worker, "/domains/good.example", "HEAD")[2] == ""
    assert world.redis.xlen("sv:{0}:jobs") == 0


def test_names_that_lead_here(place):
    """A stranger's name for this port shows no domains (DNS rebinding); addresses and known names do."""
    world, worker = place
    port = address(worker).rpartition(":")[2]
    for host in ("evil.example", "evil.example:" + port, "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3", "a" * 300, "."):
        for path in ("/domains", "/events", "/domains/good.example"):
            code, _, text = get(worker, path, Host=host)
            assert code == 403 and "good.example" not in text, host
        assert get(worker, "/livez", Host=host)[0] == 200
        assert "slowest" not in json.loads(get(worker, "/status", Host=host)[2])
    for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"localhost:{port}", "[::1]", f"[::1]:{port}", "worker-1"):
        assert get(worker, "/events", Host=host)[0] == 200, host
        assert "slowest" in json.loads(get(worker, "/status", Host=host)[2])
    known = world.start_worker(SESVERIFY_STATUS_HOSTS="look.example.org, other.example")
    assert get(known, "/events", Host="Look.example.org:443")[0] == 200
    assert get(known, "/events", Host="look.example")[0] == 403
    assert known.stop() == 0


def test_paging_over_shards():
    """Every domain comes, whatever shard it is in and however the pages fall."""
    wanted = {(f"d{i}.example", f"client-{i}") for i in range(40)}
    with World(settings={"SESVERIFY_REDIS_SHARDS": "4"}) as world:
        worker = world.start_worker()
        for domain, client in wanted:
            world.redis.xadd("sv:{%d}:jobs" % (zlib.crc32(client.encode()) % 4), {
                "job": json.dumps({"type": "register", "client_id": client, "domain": domain})})
        wait_for(lambda: set(all_domains(worker, limit=1)[0]) == wanted, "all domains", DEADLINE_S)
        rows, pages = all_domains(worker, limit=1)
        print(f"{len(rows)} domains in {pages} pages")
        assert set(rows) == wanted and pages >= 4
        assert set(all_domains(worker, limit=100)[0]) == wanted
        assert set(all_domains(worker, client="client-7")[0]) == {("d7.example", "client-7")}
        wait_for(lambda: len(get_json(worker, "/events?limit=50", "page-events")["events"]) > 3, "events", DEADLINE_S)


def test_without_domains():
    with World() as world:
        worker = world.start_worker(SESVERIFY_STATUS_DOMAINS="false")
        for path in ("/domains", "/events", "/domains/a.example"):
            assert "status.domains" in refused(worker, path, 403)
        assert get(worker, "/")[0] == 200 and "slowest" not in json.loads(get(worker, "/status")[2])


def test_redis_is_silent():
    with World() as world:
        worker = world.start_worker(SESVERIFY_REDIS_COMMAND_TIMEOUT="1s")
        world.redis_server.pause()
        try:
            assert refused(worker, "/events", 503)
        finally:
            world.redis_server.resume()
        wait_for(lambda: get(worker, "/events")[0] == 200, "Redis to be back", DEADLINE_S)


@pytest.mark.parametrize("path", ["/domains", "/events", "/domains/a.example"])
def test_redis_is_silent_and_the_worker_leaves(path):
    """Who asked is answered, and holds nobody up."""
    with World() as world:
        worker = world.start_worker(SESVERIFY_REDIS_COMMAND_TIMEOUT="60s")
        where = address(worker)
        world.redis_server.pause()
        try:
            with socket.create_connection(where.rsplit(":", 1), timeout=DEADLINE_S) as asking:
                asking.sendall(f"GET {path} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
                assert get(worker, "/livez")[0] == 200  # the question before was taken
                begun = time.monotonic()
                worker.signal(signal.SIGTERM)
                wait_logged(worker, "stopping")  # two signals at once may become one
                worker.signal(signal.SIGTERM)
                answer = b""
                while piece := asking.recv(65536):
                    answer += piece
                took_s = time.monotonic() - begun
            print(f"answered after {took_s:.2f} s: {answer[:40]!r}")
            assert took_s < 8 and (answer == b"" or b"503" in answer)
            worker.process.wait(10)
        finally:
            world.redis_server.resume()
        world.workers.clear()


# --- the page ---

class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_is_its_own(place):
    """Nothing from elsewhere, nothing inline, and a policy that says so."""
    _, worker = place
    code, headers, text = get(worker, "/")
    assert code == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
    for tag, attributes in Tags(text).seen:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or "")
    assert not re.search(r"<script[^>]*>\s*[^<\s]", text) and "<style" not in text
    script = get(worker, "/script.js")
    assert script[1]["Content-Type"].startswith("text/javascript") and "innerHTML" not in script[2]
    assert get(worker, "/style.css")[1]["Content-Type"].startswith("text/css")


def test_the_page_without_javascript(place):
    _, worker = place
    wait_for(lambda: re.search(r'verified</th><td class="number">1</td>', get(worker, "/")[2]), "the figures", DEADLINE_S)
    text = get(worker, "/")[2]
    assert "<caption>Budget of default</caption>" in text and "summary -->" not in text


def test_the_page_escapes():
    with World() as world:
        worker = world.start_worker(wait=False, SESVERIFY_REDIS_URL="unix:///tmp/%3Cimg%20src=x%3E<b>\"'&amp;")
        if "config_problem" in worker.text() or not worker.alive():
            pytest.skip("such an address is refused")
        text = get(worker, "/")[2]
        assert "<b>" not in text.replace("<b></b>", "") and "&lt;b&gt;" in text
        worker.kill()
        world.workers.clear()


# --- a browser ---

@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        running.size(1440, 1200)
        yield running


def at(worker, where="/"):
    return f"http://{address(worker)}{where}"


def nothing_foreign(browser):
    """No text of others became markup, and nobody complained."""
    assert browser.run("document.images.length + document.scripts.length") == 1
    assert browser.console == []


def test_browser_overview(place, browser):
    _, worker = place
    browser.go(at(worker))
    text = browser.wait(lambda text: "evil.example" in text and "eu-west-1" in text and re.search(r"[0-9.]+/s", text))
    assert re.search(r"1\s+verified", text) and "Redis answers" in text and EVIL in text
    assert re.search(r"pipe\s+ok\s", text) and "the program" in text
    nothing_foreign(browser)


def test_browser_story(place, browser):
    _, worker = place
    browser.go(at(worker, "/#domain/evil.example"))
    text = browser.wait(lambda text: "Tell the client" in text)
    assert "dkim_cname_missing" in text and "_domainkey.evil.example" in text and EVIL in text
    nothing_foreign(browser)
    for name, shown in (("nobody.example", "nobody has registered"), ("a..b", "no domain name"),
                        (urllib.parse.quote(EVIL), "no domain name"), ("%zz", "DOMAINS")):
        browser.go(at(worker, f"/#domain/{name}"))
        browser.wait(lambda text, shown=shown: shown in text)
        assert browser.run("document.images.length + document.scripts.length") == 1
        assert all("Failed to load resource" in line for line in browser.console)  # the browser's word for a 4xx


def test_browser_finds_by_form_and_key(place, browser):
    """The way of somebody with a keyboard: a name, Enter, back; a list by status; one domain of it."""
    _, worker = place
    browser.go(at(worker))
    browser.wait(lambda text: "evil.example" in text)
    browser.run("document.getElementById('name').focus()")
    browser.call("Input.insertText", text="good.example")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r" if kind == "keyDown" else "",
                     windowsVirtualKeyCode=13)
    browser.wait(lambda text: "Tell the client" in text and "good.example" in text)
    browser.run("document.querySelector('#story a').click()")
    browser.wait(lambda text: "NEWEST TRANSITIONS" in text)
    browser.run("document.querySelector('#fleet a[href=\"#list/verified\"]').click()")
    browser.wait(lambda text: "1 shown, and that is all" in text)
    assert browser.run("document.querySelectorAll('#domains tbody tr').length") == 1
    nothing_foreign(browser)


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("dark", [False, True])
def test_browser_fits(place, browser, width, dark):
    """Nothing sticks out at the side; names are in every field and table head."""
    _, worker = place
    browser.size(width, 900, dark)
    for where, shown in (("/", "evil.example"), ("/#domain/good.example", "Tell the client")):
        browser.go(at(worker, where))
        browser.wait(lambda text, shown=shown: shown in text)
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.run("[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll') && "
                           "getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)"
                           ".map((e) => `${e.tagName} ${e.id} ${e.className} ${e.innerText}`)") == []
        assert browser.run("[...document.querySelectorAll('input, select')].every((field) => field.labels.length > 0)")
        background = browser.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(18, 22, 27)") == dark
    browser.size(1440, 1200)


def test_browser_without_javascript(place, browser):
    _, worker = place
    browser.javascript(False)
    try:
        browser.go(at(worker))
        text = browser.wait(lambda text: "without JavaScript" in text and "Budget of default" in text)
        assert browser.console == []
    finally:
        browser.javascript(True)


def test_browser_says_when_the_worker_is_gone(browser):
    with World() as world:
        worker = world.start_worker()
        browser.go(at(worker))
        browser.wait(lambda text: "Redis answers" in text)
        worker.stop()
        browser.wait(lambda text: "The worker does not answer" in text)
