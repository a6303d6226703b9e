"""The messages of the recipes: golden files, the limits of those who take them, and a real Alertmanager.

    test_sink_formats.py --write     writes golden/ anew; read the difference before you believe it
"""
import copy
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
FORMATS = ("pagerduty", "slack", "alertmanager")
UID = "acb4fca421444766"
ADVICE = ("Add the DKIM record as shown: kzhbonhfdsciibbznjj4jcv5qkk4vall._domainkey.client.example CNAME "
          "kzhbonhfdsciibbznjj4jcv5qkk4vall.dkim.amazonses.com")
FINDING = {"code": "dkim_cname_missing", "severity": "error", "owner": "x._domainkey.client.example", "advice": ADVICE}
HICCUP = {"code": "resolver_disagrees", "severity": "temporary", "owner": "client.example", "advice": "Wait."}


def domain_event(kind, before, after, reason, sequence=5, findings=(), at="2026-11-29T10:00:00.000Z", **data):
    return {"specversion": "1.0", "type": f"io.sesverify.domain.{kind}.v1", "source": f"/sesverify/default/{UID}",
            "id": f"{UID}.{sequence:010d}.{kind}", "subject": "client.example", "time": at, "sequence": f"{sequence:010d}",
            "datacontenttype": "application/json",
            "data": {"domain_id": UID, "client_id": "acme", "account": "default", "domain": "client.example", "from": before,
                     "to": after, "reason": reason, "findings": list(findings), "conclusion": "dns_wrong",
                     "stops_sending_at": None, **data}}


def job_event(outcome, **data):
    return {"specversion": "1.0", "type": "io.sesverify.job.finished.v1", "source": "/sesverify/jobs/0", "id": "job.0.17-0",
            "subject": "client.example", "time": "2026-11-29T10:00:00.000Z", "datacontenttype": "application/json",
            "data": {"job_id": "17-0", "type": "register", "client_id": "acme", "domain": "client.example",
                     "outcome": outcome, **data}}


AT_RISK = domain_event("at_risk", "verified", "at_risk", "required_records_wrong", findings=[HICCUP, FINDING],
                       stops_sending_at="2026-12-02T10:00:00.000Z", conclusion="ses_success_but_dns_wrong")
FAILED = domain_event("failed", "at_risk", "failed", "ses_failed", 6, [FINDING], "2026-11-29T11:00:00.000Z")
RESTORED = domain_event("restored", "failed", "verified", "healed", 7, at="2026-11-29T12:00:00.000Z", conclusion="all_good")
HOSTILE = copy.deepcopy(AT_RISK)
HOSTILE["data"].update(client_id="<!channel> `*_~&\"'\\ \u202e", account="a&b",
                       findings=[{**FINDING, "advice": "<!here> ``` *bold* & <https://evil.example|click>"}])
LONG = copy.deepcopy(AT_RISK)
LONG["data"].update(client_id="ü" * 128, domain=".".join(["a" * 63] * 3 + ["b" * 61]),
                    findings=[{**FINDING, "advice": "<&>ü" * 3000}])
EVENTS = {
    "registered": domain_event("registered", None, "pending_verification", "registered", 1),
    "verified": domain_event("verified", "pending_verification", "verified", "ses_verified", 3, conclusion="all_good"),
    "verified_after_failed": domain_event("verified", "failed", "verified", "ses_verified", 4, conclusion="all_good"),
    "at_risk": AT_RISK,
    "failed": FAILED,
    "failed_never_verified": domain_event("failed", "pending_verification", "failed", "ses_failed", 4, [FINDING]),
    "restored": RESTORED,
    "removed": domain_event("removed", "verified", "removed", "removed_by_client", 9, conclusion="all_good"),
    "removed_while_at_risk": domain_event("removed", "at_risk", "removed", "removed_by_client", 9),
    "released": domain_event("removed", "failed", "removed", "never_verified", 9),
    "updated": domain_event("updated", "at_risk", "at_risk", "changed", 9, [FINDING]),
    "job_done": job_event("done"),
    "job_dead": job_event("dead", reason="max_deliveries"),
    "hostile": HOSTILE,
    "long": LONG,
}
FLAPPING = {"at_risk_flapping": AT_RISK, "failed_flapping": FAILED}


def message(form, event, *flapping):
    root = pathlib.Path(os.environ.get("SV_SOURCE_DIR", HERE.parents[2]))
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", root / "build" / "debug"))
    text = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    done = subprocess.run([str(build / "tests/integration/sink/format_probe"), form, *flapping], input=text.encode(),
                          stdout=subprocess.PIPE, timeout=30, check=True)
    return done.stdout.decode()


def messages(name):
    flapping = ["5"] if name in FLAPPING else []
    event = FLAPPING.get(name) or EVENTS[name]
    texts = {form: message(form, event, *flapping) for form in FORMATS}
    return {form: json.loads(text) if text else None for form, text in texts.items()}


@pytest.mark.parametrize("name", [*EVENTS, *FLAPPING])
def test_golden(name):
    assert messages(name) == json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("name", [*EVENTS, *FLAPPING])
def test_the_limits_of_those_who_take_them(name):
    it = messages(name)
    if it["pagerduty"]:
        assert len(it["pagerduty"]["dedup_key"]) <= 255 and len(it["pagerduty"]["routing_key"]) == 32
        assert it["pagerduty"]["event_action"] in ("trigger", "resolve")
        payload = it["pagerduty"].get("payload")
        assert (payload is not None) == (it["pagerduty"]["event_action"] == "trigger")
        assert not payload or 0 < len(payload["summary"]) <= 1024
        assert not payload or payload["severity"] in ("critical", "error", "warning", "info")
    if it["slack"]:
        texts = [block["text"]["text"] for block in it["slack"]["blocks"]]
        assert len(texts) <= 50 and all(0 < len(text) <= 3000 for text in texts)
        for text in [it["slack"]["text"], *texts]:  # no mention, no link, no open entity
            assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", text), text
    if it["alertmanager"]:
        for alert in it["alertmanager"]:
            assert set(alert["labels"]) == {"alertname", "domain", "client_id", "account", "severity"}
            assert alert["startsAt"] <= alert["endsAt"]


def test_what_is_repaired_closes_what_its_alarm_opened():
    opened = [messages(name) for name in ("at_risk", "failed", "failed_never_verified")]
    closed = [messages(name) for name in ("restored", "verified_after_failed", "removed_while_at_risk", "released")]
    assert len({it["pagerduty"]["dedup_key"] for it in opened + closed}) == 1
    assert {it["pagerduty"]["event_action"] for it in opened} == {"trigger"}
    assert {it["pagerduty"]["event_action"] for it in closed} == {"resolve"}
    for it in opened:
        assert sum(alert["endsAt"] > alert["startsAt"] for alert in it["alertmanager"]) == 1
    for it in closed:
        assert all(alert["endsAt"] == alert["startsAt"] for alert in it["alertmanager"])
        assert [alert["labels"] for alert in it["alertmanager"]] == [alert["labels"] for alert in opened[0]["alertmanager"]]


def test_nothing_that_is_no_event_of_ours_becomes_a_message():
    broken = copy.deepcopy(AT_RISK)
    del broken["data"]["domain_id"]
    for text in ("", "{", "[]", "null", "{}", json.dumps({**AT_RISK, "type": "com.example.at_risk.v1"}),
                 json.dumps({**AT_RISK, "time": "yesterday"}), json.dumps({**AT_RISK, "data": None}), json.dumps(broken)):
        assert [message(form, text) for form in FORMATS] == ["", "", ""], text


class Alertmanager:
    """A real one on loopback, at a port it picks itself."""

    def __init__(self, folder):
        config = folder / "alertmanager.yml"
        config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder}/data",
             "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="], stdout=self.log, stderr=self.log)
        self.url = "http://" + self.wait(lambda: self.find(r"address=(127\.0\.0\.1:\d+)"))

    def find(self, pattern):
        self.log.flush()
        match = re.search(pattern, pathlib.Path(self.log.name).read_text())
        return match and match[1]

    def wait(self, condition):
        deadline = time.monotonic() + 30
        while True:
            found = condition()
            if found:
                return found
            assert self.process.poll() is None and time.monotonic() < deadline, pathlib.Path(self.log.name).read_text()
            time.sleep(0.05)

    def post(self, body):
        request = urllib.request.Request(self.url + "/api/v2/alerts", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 200

    def active(self):
        with urllib.request.urlopen(self.url + "/api/v2/alerts?active=true", timeout=10) as reply:
            return sorted(alert["labels"]["alertname"] for alert in json.load(reply))

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.mark.skipif(not shutil.which("prometheus-alertmanager"), reason="no Alertmanager here")
def test_a_real_alertmanager_opens_and_closes(tmp_path):
    manager = Alertmanager(tmp_path)
    try:
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)

        def send(event, minutes):
            at = (begin + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            manager.post(message("alertmanager", {**event, "time": at}))

        for round_at in (0, 5):  # the second time after it was closed
            send(AT_RISK, round_at)
            manager.wait(lambda: manager.active() == ["SesverifyDomainAtRisk"])
            send(FAILED, round_at + 1)
            manager.wait(lambda: manager.active() == ["SesverifyDomainFailed"])
            send(FAILED, round_at + 1)  # a repeat changes nothing
            assert manager.active() == ["SesverifyDomainFailed"]
            send(RESTORED, round_at + 2)
            manager.wait(lambda: manager.active() == [])
        send(HOSTILE, 8)
        manager.wait(lambda: manager.active() == ["SesverifyDomainAtRisk"])
    finally:
        manager.close()


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"]
    GOLDEN.mkdir(exist_ok=True)
    for each in [*EVENTS, *FLAPPING]:
        (GOLDEN / f"{each}.json").write_text(json.dumps(messages(each), indent=1, ensure_ascii=False) + "\n")
