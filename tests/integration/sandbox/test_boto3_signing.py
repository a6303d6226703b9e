"""DKIM keys and tokens through their lives: lengths, rotation, new tokens, replicas (DEED), by boto3 and DNS."""

import base64
import json

import dns.message
import dns.query
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import ControlError

NAME = "a.example"
PARENT = {"DomainSigningAttributesOrigin": "AWS_SES_US_EAST_1"}


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


def with_raw(client):
    def keep(response_dict, **_):
        client.raw = json.loads(response_dict["body"] or b"null")

    client.meta.events.register("response-received", keep)
    return client


@pytest.fixture
def ses(sb):
    return with_raw(sb.client("sesv2"))


@pytest.fixture
def parent(sb):
    return with_raw(sb.client("sesv2", region="us-east-1"))


def create(ses, DomainSigningAttributesOrigin=None, **signing):
    """With an origin, which botocore 1.29 does not know yet and is written into the body before it is signed."""

    def add_origin(params, **_):
        body = json.loads(params["body"])
        body.setdefault("DkimSigningAttributes", {})["DomainSigningAttributesOrigin"] = DomainSigningAttributesOrigin
        params["body"] = json.dumps(body).encode()

    event = "before-call.sesv2.CreateEmailIdentity"
    if DomainSigningAttributesOrigin:
        ses.meta.events.register(event, add_origin)
    try:
        more = {"DkimSigningAttributes": signing} if signing else {}
        return ses.create_email_identity(EmailIdentity=NAME, **more)["DkimAttributes"]
    finally:
        ses.meta.events.unregister(event, add_origin)


def dkim(ses):
    ses.get_email_identity(EmailIdentity=NAME)
    return ses.raw["DkimAttributes"]


def put(ses, origin="AWS_SES", **attributes):
    return ses.put_email_identity_dkim_signing_attributes(
        EmailIdentity=NAME, SigningAttributesOrigin=origin, **({"SigningAttributes": attributes} if attributes else {}))


def own_key():
    der = rsa.generate_private_key(65537, 1024).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return {"DomainSigningSelector": "mine", "DomainSigningPrivateKey": base64.b64encode(der).decode()}


def key_behind(sb, token, zone="dkim.amazonses.com"):
    """The bits of the published key; None when there is none."""
    question = dns.message.make_query(f"{token}.{zone}.", "TXT")
    reply = dns.query.udp(question, sb.dns_host, port=sb.dns_port, timeout=5)
    if not reply.answer:
        return None, None
    text = b"".join(reply.answer[0][0].strings).decode()
    return text, serialization.load_der_public_key(base64.b64decode(text.removeprefix("p="))).key_size


def test_the_key_behind_the_alias_has_the_length_asked_for(sb, ses):
    assert key_behind(sb, create(ses)["Tokens"][0])[1] == 2048
    short = put(ses, NextSigningKeyLength="RSA_1024_BIT")["DkimTokens"]
    assert key_behind(sb, short[2])[1] == 1024
    assert dkim(ses)["NextSigningKeyLength"] == "RSA_1024_BIT"


def test_a_key_rotates_behind_the_same_alias(sb, ses):
    tokens = create(ses)["Tokens"]
    text, _ = key_behind(sb, tokens[0])
    made = dkim(ses)["LastKeyGenerationTimestamp"]
    sb.advance(hours=1)
    sb.control.post(f"/identities/{NAME}", {"rotate_key": True})
    after = dkim(ses)
    assert after["Tokens"] == tokens and after["LastKeyGenerationTimestamp"] >= made + 3600
    assert key_behind(sb, tokens[0])[0] not in (None, text)


def test_a_rotation_takes_no_status_back(sb, ses):
    create(ses)
    sb.publish(NAME)
    sb.wait_status(NAME, dkim="Success")
    sb.control.post(f"/identities/{NAME}", {"rotate_key": True})
    sb.wait_looked(NAME, 3)
    assert dkim(ses)["Status"] == "SUCCESS"


def test_new_tokens_have_to_be_published(sb, ses):
    tokens = create(ses)["Tokens"]
    sb.add_zone(NAME)
    sb.zone_add(*sb.records(NAME)["lines"]["dkim"])
    sb.wait_status(NAME, dkim="Success", identity="Success")
    sb.control.post(f"/identities/{NAME}", {"renew_tokens": True})
    fresh = dkim(ses)
    assert fresh["Status"] == "PENDING" and not set(fresh["Tokens"]) & set(tokens)
    assert key_behind(sb, tokens[0]) == (None, None)
    sb.wait_looked(NAME, 2)
    assert sb.identity(NAME)["identity"] == "Success"  # a new key being verified takes nothing back
    sb.zone_add(*sb.records(NAME)["lines"]["dkim"])
    sb.wait_status(NAME, dkim="Success")


def test_key_length_rules(sb, ses):
    """One change in 24 hours, but the first step down to 1024 bits is free."""
    create(ses, NextSigningKeyLength="RSA_1024_BIT")
    assert refused(put, ses=ses, NextSigningKeyLength="RSA_1024_BIT") == (400, "BadRequestException")
    put(ses, NextSigningKeyLength="RSA_2048_BIT")
    put(ses, NextSigningKeyLength="RSA_1024_BIT")
    assert refused(put, ses=ses, NextSigningKeyLength="RSA_2048_BIT") == (400, "BadRequestException")
    sb.advance(hours=25)
    put(ses, NextSigningKeyLength="RSA_2048_BIT")
    assert refused(put, ses=ses, NextSigningKeyLength="RSA_1024_BIT") == (400, "BadRequestException")
    put(ses)  # naming no length is no change


def test_one_way_to_sign_at_a_time(ses):
    own = own_key()
    assert refused(create, ses=ses, NextSigningKeyLength="RSA_1024_BIT", **own) == (400, "BadRequestException")
    assert refused(create, ses=ses, **own, **PARENT) == (400, "BadRequestException")
    assert refused(create, ses=ses, NextSigningKeyLength="RSA_1024_BIT", **PARENT) == (400, "BadRequestException")
    create(ses, DomainSigningAttributesOrigin="EXTERNAL", **own)
    assert refused(put, ses=ses, **own) == (400, "BadRequestException")
    assert refused(put, ses=ses, origin="EXTERNAL", NextSigningKeyLength="RSA_1024_BIT", **own) == (
        400, "BadRequestException")
    assert dkim(ses)["SigningAttributesOrigin"] == "EXTERNAL"


def test_a_failed_own_key_is_restarted_with_the_key(sb, ses):
    own = own_key()
    create(ses, **own)
    sb.control.post(f"/identities/{NAME}", {"dkim": "Failed"})
    assert put(ses, "EXTERNAL", **own)["DkimStatus"] == "PENDING"


def test_a_replica_shares_its_parents_tokens(sb, ses, parent):
    tokens = create(parent)["Tokens"]
    create(ses, **PARENT)
    mine = dkim(ses)
    assert mine["Tokens"] == tokens and mine["SigningAttributesOrigin"] == "AWS_SES_US_EAST_1"
    sb.publish(NAME, region="us-east-1")  # one set of records for both regions
    sb.wait_status(NAME, region="us-east-1", dkim="Success")
    sb.wait_status(NAME, dkim="Success", identity="Success")
    sb.control.post(f"/identities/{NAME}?region=us-east-1", {"renew_tokens": True})
    assert dkim(ses)["Tokens"] == dkim(parent)["Tokens"] != tokens


def test_a_parent_stays_until_its_replicas_are_gone(sb, ses, parent):
    create(parent)
    create(ses, **PARENT)
    assert refused(parent.delete_email_identity, EmailIdentity=NAME) == (400, "BadRequestException")
    assert refused(sb.client("ses", region="us-east-1").delete_identity, Identity=NAME) == (
        400, "InvalidParameterValue")
    ses.delete_email_identity(EmailIdentity=NAME)
    parent.delete_email_identity(EmailIdentity=NAME)


@pytest.mark.parametrize("trouble", ["REPLICATION_PRIMARY_NOT_FOUND", "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED",
                                     "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED", "REPLICATION_ACCESS_DENIED"])
def test_why_a_replica_cannot_follow(sb, ses, parent, trouble):
    if "BYO" in trouble:
        create(parent, **own_key())
    elif "REPLICA_AS" in trouble:
        create(parent, DomainSigningAttributesOrigin="AWS_SES_EU_CENTRAL_1")
    elif "DENIED" in trouble:
        create(parent)
        sb.control.post("/permissions", {"deny": ["ses:ReplicateEmailIdentityDKIMSigningKey"]})
    sb.publish(NAME, region="us-east-1")
    create(ses, **PARENT)
    sb.wait_status(NAME, error_type=trouble, dkim="Pending")
    dkim(ses)
    assert ses.raw["VerificationInfo"]["ErrorType"] == trouble


@pytest.mark.parametrize("origin", ["AWS_SES_EU_WEST_1", "AWS_SES_MARS_NORTH_1", "AWS_SES_", "ELSEWHERE"])
def test_wrong_parents_are_refused(ses, origin):
    assert refused(create, ses=ses, DomainSigningAttributesOrigin=origin) == (400, "BadRequestException")


def test_the_set_status_fault_can_rotate_too(sb, ses):
    tokens = create(ses)["Tokens"]
    sb.fault("set_status", action="GetEmailIdentity", identity=NAME, set={"renew_tokens": True})
    assert dkim(ses)["Tokens"] != tokens
    with pytest.raises(ControlError):
        sb.control.post("/identities/b.example", {"rotate_key": True})
