"""The life of a domain through the whole worker: real Redis, real nsd, signed HTTP to the sandbox, jobs by redis-cli."""
import json

import pytest

from nsd import Nsd
from sandbox import wait_for
from world import DEADLINE_S, World

DOMAIN = "client.example"
REMOVED = ("done", "coalesced")  # a remove that comes during a look joins it


@pytest.fixture(name="world")
def make_world():
    with Nsd(["client.example", "other.example", "amazonses.com"]) as dns:
        with World(dns=dns) as world:
            world.start_worker()
            yield world


def sequences(world, domain=DOMAIN):
    return [int(e["sequence"]) for e in world.domain_events(domain)]


def moves(world, domain=DOMAIN):
    return [(e["data"]["from"], e["data"]["to"]) for e in world.domain_events(domain)]


def register(world, **fields):
    entry = world.push("register", "client-1", DOMAIN, contact_email="postmaster@client.example", **fields)
    event = world.wait_event("registered", DOMAIN)
    answer = world.wait_answer(entry)
    assert answer["data"]["outcome"] == "done"
    return event


def test_registered_verified_broken_and_restored(world):
    event = register(world, mail_from="mail")
    records = event["data"]["dns_records"]
    assert event["data"]["from"] is None and event["data"]["to"] == "pending_verification"
    assert [r["type"] for r in records] == ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
    state = world.sandbox.control.get("/state")
    identity = next(i for i in state["identities"] if i["name"] == DOMAIN)
    for record, token in zip(records, identity["tokens"]):
        assert record["name"] == f"{token}._domainkey.{DOMAIN}"
        assert record["value"] == f"{token}.dkim.amazonses.com"
    assert records[3]["value"] == "10 feedback-smtp.eu-west-1.amazonses.com"

    world.publish(DOMAIN, records)
    verified = world.wait_event("verified", DOMAIN)
    assert verified["data"]["domain_verified"] is True and verified["data"]["dkim_verified"] is True
    whole = world.wait_event("updated", DOMAIN, where=lambda data: data["mail_from_verified"] is True,
                             after=0) if not verified["data"]["mail_from_verified"] else verified
    assert whole["data"]["mail_from_configured"] is True

    world.publish(DOMAIN, records, without=[1])
    risk = world.wait_event("at_risk", DOMAIN)
    assert risk["data"]["from"] == "verified"
    assert risk["data"]["reason"] in ("required_records_wrong", "ses_temporary_failure")
    assert {f["code"] for f in risk["data"]["findings"]} & {"dkim_cname_partial", "dkim_cname_missing"}

    world.publish(DOMAIN, records)
    restored = world.wait_event("restored", DOMAIN)
    assert restored["data"]["to"] == "verified"
    assert sequences(world) == list(range(1, len(sequences(world)) + 1))


def explained(world):
    return json.loads(world.command("explain", DOMAIN, "--json").stdout)


def test_a_record_that_stays_away_ends_in_failed_and_heals(world):
    records = register(world)["data"]["dns_records"]
    world.publish(DOMAIN, records)
    world.wait_event("verified", DOMAIN)
    world.publish(DOMAIN, records, without=[0])
    world.wait_event("at_risk", DOMAIN)
    failed = world.wait_event("failed", DOMAIN)
    assert failed["data"]["reason"] == "ses_failed"
    assert failed["data"]["sending_enabled"] is False
    told = wait_for(lambda: explained(world)["ses_reason"] and explained(world), "SES's own reason", DEADLINE_S)
    assert told["ses_reason"] == "host_not_found"
    assert "SES's reason" in world.command("explain", DOMAIN).stdout
    world.publish(DOMAIN, records)
    world.wait_event("restored", DOMAIN, after=int(failed["sequence"]))
    assert wait_for(lambda: explained(world), "the end", DEADLINE_S)["ses_reason"] is None
    assert sequences(world) == list(range(1, len(sequences(world)) + 1))


def test_a_doubled_suffix_is_named_with_its_advice(world):
    records = register(world)["data"]["dns_records"]
    world.publish(DOMAIN, records, suffix="." + DOMAIN)
    told = world.wait_event("updated", DOMAIN,
                            where=lambda data: "dkim_cname_doubled_suffix" in [f["code"] for f in data["findings"]])
    finding = next(f for f in told["data"]["findings"] if f["code"] == "dkim_cname_doubled_suffix")
    assert finding["severity"] == "error" and finding["advice"]
    assert "dkim_cname_missing" not in [f["code"] for f in told["data"]["findings"]]
    world.publish(DOMAIN, records)
    world.wait_event("verified", DOMAIN)


def test_a_removed_domain_is_free_again_and_keeps_its_sequence(world):
    register(world)
    refused = world.wait_answer(world.push("register", "client-2", DOMAIN))
    assert (refused["data"]["outcome"], refused["data"]["reason"]) == ("rejected", "claimed_by_another_client")
    gone = world.wait_answer(world.push("remove", "client-1", DOMAIN, delete_identity=True))
    assert gone["data"]["outcome"] in REMOVED
    removed = world.wait_event("removed", DOMAIN)
    calls = world.sandbox.control.get("/calls")
    assert "DeleteEmailIdentity" in str(calls)
    entry = world.push("register", "client-1", DOMAIN)
    world.wait_answer(entry)
    again = world.wait_event("registered", DOMAIN, after=int(removed["sequence"]))
    assert int(again["sequence"]) == int(removed["sequence"]) + 1
    assert again["data"]["from"] is None
    gone = world.wait_answer(world.push("remove", "client-1", DOMAIN))
    assert gone["data"]["outcome"] in REMOVED
    world.wait_event("removed", DOMAIN, after=int(again["sequence"]))

    def taken_over():
        answer = world.wait_answer(world.push("register", "client-2", DOMAIN))
        return answer["data"]["outcome"] == "done"
    wait_for(taken_over, "the name to be free for client-2")


def test_a_recheck_is_answered_and_limited(world):
    records = register(world)["data"]["dns_records"]
    outcomes = []
    for _ in range(7):
        answer = world.wait_answer(world.push("recheck", "client-1", DOMAIN))
        outcomes.append(answer["data"]["outcome"])
        if answer["data"]["outcome"] == "rejected":
            assert answer["data"]["reason"] == "cooldown" and answer["data"]["retry_at"].endswith("Z")
    assert "rejected" in outcomes and "dead" not in outcomes
    assert moves(world)[0] == (None, "pending_verification")
    world.publish(DOMAIN, records)  # scheduled looks go on: attempts never delay them
    world.wait_event("verified", DOMAIN)


def test_an_adopted_identity_is_verified_without_waiting(world):
    client = world.sandbox.client("sesv2")
    created = client.create_email_identity(EmailIdentity=DOMAIN)
    tokens = created["DkimAttributes"]["Tokens"]
    world.dns.zone(DOMAIN, [f"{t}._domainkey.{DOMAIN}. 1 CNAME {t}.dkim.amazonses.com." for t in tokens])
    world.sandbox.wait_status(DOMAIN, dkim="Success")
    answer = world.wait_answer(world.push("adopt", "client-1", DOMAIN))
    assert answer["data"]["outcome"] == "done"
    world.wait_event("verified", DOMAIN)
    unknown = world.wait_answer(world.push("adopt", "client-1", "other.example"))
    assert (unknown["data"]["outcome"], unknown["data"]["reason"]) == ("dead", "identity_not_found")


def test_the_latest_job_decides_settings_and_trace(world):
    first, second = ("00-" + digit * 32 + "-00f067aa0ba902b7-01" for digit in "ab")
    event = register(world, mail_from="mail", traceparent=first)
    assert event["traceparent"] == first
    answer = world.wait_answer(world.push("recheck", "client-1", DOMAIN, traceparent=second))
    assert answer["traceparent"] == second and answer["data"]["outcome"] in ("done", "coalesced")
    again = world.wait_answer(world.push("register", "client-1", DOMAIN))
    assert again["data"]["outcome"] in ("done", "coalesced") and "traceparent" not in again

    def records():
        done = world.command("records", DOMAIN, "--client", "client-1", "--json")
        assert done.returncode == 0
        return done.stdout
    wait_for(lambda: "feedback-smtp" not in records(), "the records without MAIL FROM", DEADLINE_S)
    identity = world.sandbox.control.get("/identities/" + DOMAIN)
    assert identity["mail_from_domain"] is None
