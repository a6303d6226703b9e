"""`explain`, `records` and `status` tell the whole life of a domain from what the worker has kept; their JSON and that of
`check` is valid by docs/schemas, and spoiled ones are not."""
import copy
import json

import pytest

from cli_schemas import faults, load
from sandbox import wait_for
from world import World

CLIENT, DOMAIN = "acme", "client.example"
MISSING = object()


def errors(told):
    return [finding["code"] for finding in told["findings"] if finding["severity"] == "error"]


class Story:
    """What was told at each station of one domain's life."""

    def __init__(self, world):
        self.world = world
        self.told, self.texts, self.codes = {}, {}, {}
        self.records = {}

    def note(self, name, until=lambda told: True):
        """Asks until the worker has kept what is waited for."""
        def ask():
            done = self.world.command("explain", DOMAIN, "--json")
            told = json.loads(done.stdout) if done.stdout else None
            return (done.returncode, told) if told and until(told) else None
        self.codes[name], self.told[name] = wait_for(ask, f"explain to tell of {name}")
        self.texts[name] = self.world.command("explain", DOMAIN, "--client", CLIENT).stdout
        self.records[name] = json.loads(self.world.command("records", DOMAIN, "--client", CLIENT, "--json").stdout)


def live(world):
    story = Story(world)
    world.publish(DOMAIN, [])
    world.push("register", CLIENT, DOMAIN, mail_from="bounce", contact_email="dns@client.example")
    records = world.wait_event("registered", DOMAIN)["data"]["dns_records"]
    story.note("wrong", errors)
    world.publish(DOMAIN, records)
    verified = world.wait_event("verified", DOMAIN)
    story.note("good", lambda told: told["conclusion"] == "all_good" and not errors(told))
    world.publish(DOMAIN, records, without=(1,))
    world.wait_event("at_risk", DOMAIN, int(verified["sequence"]))
    story.note("risk", lambda told: told["status"] == "at_risk" and errors(told))
    return story


@pytest.fixture(name="story", scope="module")
def make_story():
    with World() as world:
        world.start_worker()
        story = live(world)
        tokens = [r["name"].split(".")[0] for r in story.records["risk"]["dns_records"] if r["type"] == "CNAME"]
        story.check = json.loads(world.command("check", DOMAIN, "--json", "--mail-from", "bounce", "--region", "eu-west-1",
                                               *[word for token in tokens for word in ("--token", token)]).stdout)
        story.status = json.loads(world.command("status", DOMAIN, "--json").stdout)
        story.bytes = {key: world.redis.strlen(key) for key in world.redis.keys("sv:{0}:x:*")}
        world.push("remove", CLIENT, DOMAIN)
        world.wait_event("removed", DOMAIN)
        story.after = world.command("explain", DOMAIN)
        story.status_after = world.command("status", DOMAIN).stdout
        story.after_of_client = world.command("explain", DOMAIN, "--client", CLIENT)
        story.keys_after = world.redis.keys("sv:{0}:x:*")
        yield story


def test_exit_codes(story):
    assert story.codes == {"wrong": 1, "good": 0, "risk": 1}
    assert {name: told["verdict"] for name, told in story.told.items()} == {"wrong": "wrong", "good": "right", "risk": "wrong"}


def test_findings_come_with_evidence_and_advice(story):
    told = story.told["risk"]
    first = told["findings"][0]
    assert told["primary"] == first["code"] == "dkim_cname_partial"
    assert first["evidence"]["outcome"] in ("nxdomain", "nodata") and first["evidence"]["server"]
    assert first["owner"] in first["advice"]
    text = story.texts["risk"]
    record = next(r for r in told["dns_records"] if r["name"] == first["owner"])
    assert f"{record['name']}. 1800 IN CNAME {record['value']}.\n" in text
    assert "dkim_cname_partial  <- repair this first\n" in text


def test_both_verdicts_stand_side_by_side(story):
    told = story.told["risk"]
    assert told["ses"]["dkim"] in ("success", "temporary_failure") and told["dns"]["dkim"] == "wrong"
    assert told["dns"]["mail_from_mx"] == "ok" and told["dns"]["spf"] is None
    assert "  DKIM      success              ok\n" in story.texts["good"]
    assert "  MAIL FROM success              MX ok, SPF ok\n" in story.texts["good"]


def test_history_tells_what_came_and_went(story):
    changes = story.told["risk"]["changes"]
    assert [c["at"] for c in changes] == sorted((c["at"] for c in changes), reverse=True)
    risk = next(c for c in changes if c["kind"] == "at_risk")
    assert (risk["from"], risk["to"]) == ("verified", "at_risk")
    assert risk["reason"] in ("required_records_wrong", "ses_temporary_failure")  # whoever is first to tell it twice
    assert any("dkim_cname_partial" in (c["came"] or []) for c in changes)
    assert any("dkim_cname_missing" in (c["went"] or []) for c in changes)
    verified = next(c for c in changes if c["kind"] == "verified")
    assert verified["set"]["dkim"] == "success" or any(c["set"].get("dkim") == "success" for c in changes)
    assert f" verified -> at_risk, because {risk['reason']}: " in story.texts["risk"] and "  registered\n" in story.texts["risk"]


def test_records_are_marked_with_since_when(story):
    records = story.records["risk"]["dns_records"]
    wrong = [r for r in records if r["status"] == "wrong"]
    assert len(wrong) == 1 and wrong[0]["since"] is not None
    right = next(r for r in records if r["status"] == "ok")
    assert right["since"] < wrong[0]["since"]


def test_the_first_line_is_the_answer(story):
    first = {name: text.splitlines()[0] for name, text in story.texts.items()}
    assert first == {"wrong": f"{DOMAIN}: pending_verification, wrong (dkim_cname_missing)", "good": f"{DOMAIN}: verified, right",
                     "risk": f"{DOMAIN}: at_risk, wrong (dkim_cname_partial)"}


def test_lines_fit_the_page_but_for_values_to_paste(story):
    for text in story.texts.values():
        assert [line for line in text.splitlines() if len(line) > 100 and " 1800 IN " not in line] == []


def test_forecast_names_the_next_look_and_nothing_that_is_over(story):
    for text, told in zip(story.texts.values(), story.told.values()):
        assert "next_look" in {item["what"] for item in told["forecast"]}
        assert told["forecast"] == sorted(told["forecast"], key=lambda item: item["at"])
        assert " ago" not in text.split("\nWhat happens next\n")[1].split("\n\n")[0]
    assert "\nTell the client\n" in story.texts["good"]


def test_what_is_kept_is_small_and_goes_with_the_domain(story):
    assert list(story.bytes.values()) and max(story.bytes.values()) <= 4096
    assert story.keys_after == []
    assert story.after.returncode == 1 and story.after.stderr.endswith(f"{DOMAIN} is not registered\n")
    assert story.after_of_client.returncode == 1 and "removed" in story.status_after and "_domainkey" not in story.status_after
    assert f"{DOMAIN} is not registered for client {CLIENT}: it was removed at " in story.after_of_client.stderr


def test_a_client_is_told_of_its_domain_in_any_account():
    with World() as world:
        world.start_worker(args=("--set", "account.eu.region=us-east-1"))
        world.publish(DOMAIN, [])
        world.push("register", CLIENT, DOMAIN, account="eu")
        world.wait_event("registered", DOMAIN)
        for words in ([], ["--client", CLIENT], ["--account", "eu"], ["--client", CLIENT, "--account", "eu"]):
            assert json.loads(world.command("explain", DOMAIN, "--json", *words).stdout)["account"] == "eu", words
        for words in (["--client", "other"], ["--account", "default"]):
            done = world.command("explain", DOMAIN, "--json", *words)
            assert (done.returncode, done.stdout) == (1, ""), words


def outputs(story):
    return {"check": [story.check], "explain": list(story.told.values()), "records": list(story.records.values()),
            "status": [story.status]}


@pytest.mark.parametrize("name", ["check", "explain", "records", "status"])
def test_real_outputs_are_valid(story, name):
    for value in outputs(story)[name]:
        assert faults(load(name), value) == [], json.dumps(value)


SPOILED = {
    "check": [("schema", "sesverify.check.v2"), ("verdict", "fine"), ("verdict", MISSING), ("records.0.status", "good"),
              ("records.0.view", "cache"), ("records.0.evidence", MISSING), ("findings.0.code", "no_such_code"),
              ("findings.0.witnesses", MISSING), ("forecast", {}), ("not_checked", ["spf"]), ("bulk.conditions.spf", "yes"),
              ("authority_closed", None), ("checked_at", "now")],
    "explain": [("schema", "x"), ("status", "removed"), ("conclusion", "fine"), ("meaning", ""), ("ses.dkim", "ok"),
                ("dns.dkim", "right"), ("changes.0.kind", "registered"), ("changes.0.came", ["x"]), ("changes.0.at", None),
                ("findings.0.severity", "fatal"), ("findings.0.evidence.outcome", "none"), ("tell_client", MISSING),
                ("forecast.0.at", None), ("dns_records.0.since", 7)],
    "records": [("schema", MISSING), ("domain_id", "x"), ("client_id", ""), ("account", MISSING), ("domain", None),
                ("observed_at", "today"), ("dns_records", {}), ("dns_records.0.type", "A"), ("dns_records.0.status", "bad"),
                ("dns_records.0.until", MISSING), ("dns_records.0.ttl", 0)],
    "status": [("schema", "sesverify.status.v1"), ("status", "ok"), ("axes.identity", MISSING), ("flags.dkim_verified", "yes"),
               ("flags.sending_enabled", MISSING), ("conclusion", ""), ("sequence", "1"), ("checking", 1),
               ("next_check_at", "soon"), ("findings", None), ("dns_records.0.value", "")],
}


def spoil(value, where, with_what):
    out = copy.deepcopy(value)
    *path, last = [int(step) if step.isdigit() else step for step in where.split(".")]
    place = out
    for step in path:
        place = place[step]
    assert last in place if isinstance(place, dict) else True
    if with_what is MISSING:
        del place[last]
    else:
        place[last] = with_what
    return out


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_outputs_are_refused(story, name):
    assert len(SPOILED[name]) >= 10
    validator = load(name)
    value = story.told["risk"] if name == "explain" else outputs(story)[name][0]
    for where, with_what in SPOILED[name]:
        assert not validator.is_valid(spoil(value, where, with_what)), (name, where)
