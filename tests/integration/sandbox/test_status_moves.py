"""Statuses move because SES looks into DNS, not because somebody sets them: every test here changes records,
or the clock, and waits for what SES makes of it."""

import pytest

import requests_aws

DOMAIN = "client.example"
BOUNCE = "bounce.client.example"


def verified(sb, **more):
    records = sb.publish(DOMAIN, **more)
    sb.client("sesv2").create_email_identity(EmailIdentity=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success", identity="Success")
    return records


def test_dkim_success_verifies_the_identity(sb):
    sb.add_zone(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    lines = sb.records(DOMAIN)["lines"]["dkim"]
    sb.zone_add(*lines[:2])
    sb.wait_looked(DOMAIN, 2)
    assert sb.identity(DOMAIN)["dkim"] == "Pending"  # all three are needed
    sb.zone_add(lines[2])
    state = sb.wait_status(DOMAIN, dkim="Success", identity="Success")
    assert state["may_send"] is True and state["error_type"] is None


def test_case_and_final_dots_do_not_matter(sb):
    sb.add_zone(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain="CLIENT.example")
    for line in sb.records(DOMAIN)["lines"]["dkim"]:
        name, ttl, kind, value = line.split()
        sb.zone_add(f"{name.upper()}. {ttl} {kind} {value.upper()}.")
    sb.wait_status(DOMAIN, dkim="Success")


@pytest.mark.parametrize(
    "change, error_type",
    [
        (lambda name, target: [], "HOST_NOT_FOUND"),
        (lambda name, target: [f'{name} 300 TXT "{target}"'], "TYPE_NOT_FOUND"),
        (lambda name, target: [f"{name} 300 CNAME {target}.client.example"], "INVALID_VALUE"),
        (lambda name, target: [f"below.{name} 300 A 192.0.2.1"], "TYPE_NOT_FOUND"),
    ],
)
def test_mistakes_and_their_error_types(sb, change, error_type):
    sb.add_zone(DOMAIN)
    first, *others = sb.records(DOMAIN)["lines"]["dkim"]
    name, _, _, target = first.split()
    sb.zone_add(*others, *change(name, target))
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    assert sb.wait_status(DOMAIN, error_type=error_type)["dkim"] == "Pending"


def test_dns_trouble_is_an_error_type_of_its_own(sb):
    sb.publish(DOMAIN)
    sb.dns_fault("servfail", type="CNAME", count=-1)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, error_type="DNS_SERVER_ERROR", dkim="Pending")
    sb.control.delete("/dns-faults")
    sb.wait_status(DOMAIN, dkim="Success", error_type=None)


def test_ownership_txt_verifies_without_dkim(sb):
    sb.add_zone(DOMAIN)
    token = sb.client("ses").verify_domain_identity(Domain=DOMAIN)["VerificationToken"]
    sb.zone_add(f'_amazonses.{DOMAIN} 300 TXT "somebody else\'s"')
    sb.wait_status(DOMAIN, error_type="INVALID_VALUE")
    sb.zone_add(f'_amazonses.{DOMAIN} 300 TXT "{token[:20]}" "{token[20:]}"')
    state = sb.wait_status(DOMAIN, identity="Success")
    assert state["dkim"] == "NotStarted"


def test_ownership_is_case_sensitive(sb):
    sb.add_zone(DOMAIN)
    token = sb.client("ses").verify_domain_identity(Domain=DOMAIN)["VerificationToken"]
    sb.zone_add(f'_amazonses.{DOMAIN} 300 TXT "{token.swapcase()}"')
    sb.wait_status(DOMAIN, error_type="INVALID_VALUE")
    assert sb.identity(DOMAIN)["identity"] == "Pending"


def test_txt_record_counts_only_when_it_was_asked_for(sb):
    sb.publish(DOMAIN, ownership=True)
    sb.zone_remove(*(line.split()[0] for line in sb.records(DOMAIN)["lines"]["dkim"]))
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_looked(DOMAIN, 2)
    assert sb.identity(DOMAIN)["identity"] == "Pending"
    sb.client("ses").verify_domain_identity(Domain=DOMAIN)
    sb.wait_status(DOMAIN, identity="Success", dkim="Pending")


def test_pending_for_72_hours_fails_and_stops_looking(start):
    sb = start()  # the clock is moved by hand
    sb.add_zone(DOMAIN)
    ses = sb.client("ses")
    ses.verify_domain_dkim(Domain=DOMAIN)
    sb.wait_looked(DOMAIN, since="")
    sb.wait_looked(DOMAIN, since=sb.advance(hours=71, minutes=55))
    assert sb.identity(DOMAIN)["dkim"] == "Pending"
    sb.advance(minutes=6)
    state = sb.wait_status(DOMAIN, dkim="Failed", identity="Failed")
    assert state["watched"] is False and state["may_send"] is False
    sb.publish(DOMAIN)
    sb.advance(hours=24)
    assert sb.identity(DOMAIN)["dkim"] == "Failed"  # right now, but SES has stopped looking
    ses.verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success", identity="Success")


def test_72_hours_pass_in_seconds(start):
    sb = start("--speed", "500000")
    sb.add_zone(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Failed", identity="Failed")


def test_v2_signing_restarts_a_failed_dkim(sb):
    sb.add_zone(DOMAIN)
    ses = sb.client("sesv2")
    ses.create_email_identity(EmailIdentity=DOMAIN)
    sb.advance(hours=73)
    sb.wait_status(DOMAIN, dkim="Failed")
    reply = ses.put_email_identity_dkim_signing_attributes(EmailIdentity=DOMAIN, SigningAttributesOrigin="AWS_SES")
    assert reply["DkimStatus"] == "PENDING"
    sb.publish(DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success", identity="Success")


def test_lost_record_is_doubted_then_restored(sb):
    records = verified(sb)
    lost = records["lines"]["dkim"][0]
    sb.zone_remove(lost.split()[0])
    state = sb.wait_status(DOMAIN, dkim="TemporaryFailure", identity="TemporaryFailure")
    assert state["may_send"] is True
    sb.zone_add(lost)
    sb.wait_status(DOMAIN, dkim="Success", identity="Success")


def test_lost_record_fails_after_72_hours(sb):
    records = verified(sb)
    sb.zone_remove(records["lines"]["dkim"][1].split()[0])
    sb.wait_status(DOMAIN, dkim="TemporaryFailure")
    sb.advance(hours=73)
    state = sb.wait_status(DOMAIN, dkim="Failed", identity="Failed")
    assert state["may_send"] is False


def test_one_look_is_not_enough_to_doubt(start):
    sb = start("--speed", "0")
    records = sb.publish(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success")
    sb.zone_remove(records["lines"]["dkim"][0].split()[0])
    sb.advance(minutes=1)
    sb.wait_status(DOMAIN, error_type="HOST_NOT_FOUND")
    assert sb.identity(DOMAIN)["dkim"] == "Success"
    sb.zone_add(records["lines"]["dkim"][0])
    sb.advance(minutes=1)
    sb.wait_status(DOMAIN, error_type=None)
    sb.zone_remove(records["lines"]["dkim"][0].split()[0])
    sb.advance(minutes=1)
    sb.wait_status(DOMAIN, error_type="HOST_NOT_FOUND")
    assert sb.identity(DOMAIN)["dkim"] == "Success"  # the count began anew
    sb.advance(minutes=1)
    sb.wait_status(DOMAIN, dkim="TemporaryFailure")


@pytest.mark.parametrize("kind", ["servfail", "refused"])
def test_dns_errors_take_nothing_away(sb, kind):
    verified(sb)
    sb.dns_fault(kind, count=-1)
    sb.wait_status(DOMAIN, error_type="DNS_SERVER_ERROR")
    sb.wait_looked(DOMAIN, 5)
    state = sb.identity(DOMAIN)
    assert (state["dkim"], state["identity"]) == ("Success", "Success")


def test_dns_error_during_grace_does_not_fail(sb):
    records = verified(sb)
    sb.zone_remove(records["lines"]["dkim"][0].split()[0])
    sb.wait_status(DOMAIN, dkim="TemporaryFailure")
    sb.dns_fault("servfail", count=-1)
    sb.wait_status(DOMAIN, error_type="DNS_SERVER_ERROR")
    sb.advance(hours=100)
    sb.wait_looked(DOMAIN, 2)
    assert sb.identity(DOMAIN)["dkim"] == "TemporaryFailure"
    sb.control.delete("/dns-faults")
    sb.wait_status(DOMAIN, dkim="Failed")


def test_mail_from_moves_on_its_own(sb):
    verified(sb)
    sb.client("ses").set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain=BOUNCE)
    sb.wait_looked(DOMAIN)
    assert sb.identity(DOMAIN)["mail_from"] == "Pending"
    mx = f"{BOUNCE} 300 MX 10 feedback-smtp.eu-west-1.amazonses.com"
    sb.zone_add(mx)
    sb.wait_status(DOMAIN, mail_from="Success")
    sb.zone_remove(BOUNCE)
    state = sb.wait_status(DOMAIN, mail_from="TemporaryFailure")
    assert (state["dkim"], state["identity"]) == ("Success", "Success")
    sb.zone_add(mx)
    sb.wait_status(DOMAIN, mail_from="Success")
    sb.zone_remove(BOUNCE)
    sb.wait_status(DOMAIN, mail_from="TemporaryFailure")
    sb.advance(hours=73)
    sb.wait_status(DOMAIN, mail_from="Failed")
    sb.zone_add(mx)
    sb.wait_looked(DOMAIN, 2)
    assert sb.identity(DOMAIN)["mail_from"] == "Failed"
    sb.client("ses").set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain=BOUNCE)
    sb.wait_status(DOMAIN, mail_from="Success")


@pytest.mark.parametrize(
    "lines",
    [
        [f"{BOUNCE} 300 MX 20 feedback-smtp.eu-west-1.amazonses.com"],
        [f"{BOUNCE} 300 MX 10 feedback-smtp.us-east-1.amazonses.com"],
        [f"{BOUNCE} 300 MX 10 mail.client.example"],
        [f"{BOUNCE} 300 MX 10 feedback-smtp.eu-west-1.amazonses.com", f"{BOUNCE} 300 MX 20 mail.client.example"],
        [f'{BOUNCE} 300 TXT "v=spf1 include:amazonses.com ~all"'],
    ],
)
def test_mail_from_needs_exactly_that_one_mx(sb, lines):
    verified(sb)
    sb.zone_add(*lines)
    sb.client("sesv2").put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain=BOUNCE)
    sb.wait_looked(DOMAIN, 2)
    assert sb.identity(DOMAIN)["mail_from"] == "Pending"


def test_mail_from_pending_for_72_hours_fails(sb):
    verified(sb)
    sb.client("ses").set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain=BOUNCE)
    sb.advance(hours=73)
    sb.wait_status(DOMAIN, mail_from="Failed", dkim="Success")


def test_looks_follow_the_virtual_clock(start):
    sb = start("--speed", "0", "--look-every", "1h")
    sb.add_zone(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_looked(DOMAIN, since="")
    questions = sb.control.get("/dns-queries")["count"]
    sb.advance(minutes=59)
    assert sb.control.get("/dns-queries")["count"] == questions
    sb.wait_looked(DOMAIN, since=sb.advance(minutes=1))
    assert sb.control.get("/dns-queries")["count"] == 2 * questions


def test_lookups_can_go_to_a_server_elsewhere(start):
    elsewhere = start()
    sb = start("--dns", elsewhere.dns_addr, "--speed", "1000")
    assert sb.dns_addr == elsewhere.dns_addr
    elsewhere.publish(DOMAIN)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success")


@pytest.mark.parametrize("fault", ["truncate", "wrong_id", "drop"])
def test_the_looker_survives_bad_transport(sb, fault):
    """Truncation sends it to TCP; a forged id and a lost datagram make it ask again."""
    sb.publish(DOMAIN)
    sb.dns_fault(fault, type="CNAME", count=-1 if fault == "truncate" else 3)
    sb.client("ses").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success")
    asked = [one["transport"] for one in sb.control.get("/dns-queries")["queries"] if one["type"] == "CNAME"]
    assert ("tcp" in asked) == (fault == "truncate")
    assert len(asked) >= 6  # each of the three was asked again


def test_a_new_key_takes_nothing_back(sb):
    """A change of the key length brings new tokens; while they are unpublished the domain stays verified."""
    verified(sb)
    sb.client("sesv2").put_email_identity_dkim_signing_attributes(
        EmailIdentity=DOMAIN,
        SigningAttributesOrigin="AWS_SES",
        SigningAttributes={"NextSigningKeyLength": "RSA_1024_BIT"},
    )
    sb.wait_status(DOMAIN, dkim="Pending", error_type="HOST_NOT_FOUND")
    sb.wait_looked(DOMAIN, 4)
    assert sb.identity(DOMAIN)["identity"] == "Success"
    sb.zone_add(*sb.records(DOMAIN)["lines"]["dkim"])
    sb.wait_status(DOMAIN, dkim="Success", identity="Success")


def test_replica_follows_its_parent_region(sb):
    records = sb.publish(DOMAIN, region="us-east-1")
    body = {"EmailIdentity": DOMAIN, "DkimSigningAttributes": {"DomainSigningAttributesOrigin": "AWS_SES_US_EAST_1"}}
    raw = requests_aws.call(sb, "POST", "/v2/email/identities", body)
    assert raw["DkimAttributes"]["SigningAttributesOrigin"] == "AWS_SES_US_EAST_1"
    assert raw["DkimAttributes"]["Tokens"] == records["tokens"]
    sb.wait_status(DOMAIN, error_type="REPLICATION_PRIMARY_NOT_FOUND", dkim="Pending")
    sb.client("ses", region="us-east-1").verify_domain_dkim(Domain=DOMAIN)
    sb.wait_status(DOMAIN, dkim="Success")
