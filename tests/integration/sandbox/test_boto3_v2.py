"""Every operation of SES API v2 that the sandbox has, called by boto3. What botocore 1.29 does not know yet is
read from the raw JSON."""

import base64
import json

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def refused(call, **arguments):
    """(status, code) of the error the call must end in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    assert reply["Error"]["Message"]
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == reply["Error"]["Code"]
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


@pytest.fixture
def ses(sb):
    return with_raw(sb.client("sesv2"))


def with_raw(client):
    """The client with the last reply's JSON under `.raw`."""

    def keep(response_dict, **_):
        client.raw = json.loads(response_dict["body"] or b"null")

    client.meta.events.register("response-received", keep)
    return client


def create(ses, name="a.example", **more):
    return ses.create_email_identity(EmailIdentity=name, **more)


def get(ses, name="a.example"):
    return ses.get_email_identity(EmailIdentity=name)


def private_key(bits=1024, pkcs1=True):
    key = rsa.generate_private_key(65537, bits)
    form = serialization.PrivateFormat.TraditionalOpenSSL if pkcs1 else serialization.PrivateFormat.PKCS8
    der = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode(), base64.b64encode(public).decode()


def test_create_reads_not_started_then_pending(ses):
    reply = create(ses)
    assert reply["IdentityType"] == "DOMAIN" and reply["VerifiedForSendingStatus"] is False
    dkim = reply["DkimAttributes"]
    assert dkim["Status"] == "NOT_STARTED" and dkim["SigningEnabled"] is True
    assert len(set(dkim["Tokens"])) == 3 and dkim["SigningAttributesOrigin"] == "AWS_SES"
    assert ses.raw["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    after = get(ses)
    assert after["DkimAttributes"]["Status"] == after["VerificationStatus"] == "PENDING"
    assert after["DkimAttributes"]["Tokens"] == dkim["Tokens"]
    assert after["DkimAttributes"]["NextSigningKeyLength"] == "RSA_2048_BIT"
    assert ses.raw["VerificationStatus"] == "PENDING"
    assert ses.raw["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    assert isinstance(ses.raw["DkimAttributes"]["LastKeyGenerationTimestamp"], float)
    assert after["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    assert after["FeedbackForwardingStatus"] is True and after["Tags"] == [] and after["Policies"] == {}


@pytest.mark.parametrize(
    "region, zone",
    [
        ("eu-west-1", "dkim.amazonses.com"),
        ("eu-south-1", "dkim.eu-south-1.amazonses.com"),
        ("af-south-1", "dkim.af-south-1.amazonses.com"),
        ("us-gov-west-1", "dkim.amazonses.com"),
    ],
)
def test_hosted_zone_by_region(sb, region, zone):
    ses = with_raw(sb.client("sesv2", region=region))
    create(ses)
    assert ses.raw["DkimAttributes"]["SigningHostedZone"] == zone


def test_hosted_zone_option(start):
    ses = with_raw(start("--hosted-zone", "dkim.test.example").client("sesv2"))
    create(ses)
    assert ses.raw["DkimAttributes"]["SigningHostedZone"] == "dkim.test.example"


def test_v1_and_v2_share_their_identities(sb, ses):
    v1 = sb.client("ses")
    tokens = v1.verify_domain_dkim(Domain="one.example")["DkimTokens"]
    assert get(ses, "one.example")["DkimAttributes"]["Tokens"] == tokens
    create(ses, "two.example")
    assert v1.list_identities()["Identities"] == ["one.example", "two.example"]


def test_create_with_everything(sb, ses):
    sb.control.post("/configuration-sets/main")
    create(ses, Tags=[{"Key": "team", "Value": "mail"}], ConfigurationSetName="main")
    reply = get(ses)
    assert reply["Tags"] == [{"Key": "team", "Value": "mail"}]
    assert reply["ConfigurationSetName"] == "main"


def test_create_refusals(ses):
    create(ses)
    assert refused(create, ses=ses) == (400, "AlreadyExistsException")
    assert refused(create, ses=ses, name="A.EXAMPLE") == (400, "AlreadyExistsException")
    for wrong in ("nodots", "a_b.example", "bücher.example", "-a.example", "a@", "two words@a.example"):
        assert refused(create, ses=ses, name=wrong) == (400, "BadRequestException")
    assert refused(create, ses=ses, name="b.example", ConfigurationSetName="no blanks") == (400, "BadRequestException")
    assert refused(get, ses=ses, name="b.example") == (404, "NotFoundException")


def test_address_identity(sb, ses):
    create(ses)
    reply = create(ses, "Some.One@a.example")
    assert reply["IdentityType"] == "EMAIL_ADDRESS" and "DkimAttributes" not in reply
    assert get(ses, "some.one@a.example")["VerifiedForSendingStatus"] is False
    assert sb.control.get("/requests")[-1]["path"].endswith("/some.one%40a.example")
    sb.control.post("/identities/a.example", {"identity": "Success", "pin": True})
    reply = get(ses, "some.one@a.example")
    assert reply["VerifiedForSendingStatus"] is True
    assert ses.raw["VerificationStatus"] == "PENDING"
    assert refused(
        ses.put_email_identity_dkim_signing_attributes,
        EmailIdentity="some.one@a.example",
        SigningAttributesOrigin="AWS_SES",
    ) == (400, "BadRequestException")


def test_an_address_that_nobody_confirms_fails_after_a_day(start):
    sb = start("--speed", "1")
    ses = with_raw(sb.client("sesv2"))
    create(ses, "someone@a.example")
    sb.advance(hours=23)
    get(ses, "someone@a.example")
    assert ses.raw["VerificationStatus"] == "PENDING"
    sb.advance(hours=2)
    sb.wait_status("someone@a.example", identity="Failed")
    sb.control.post("/identities/other@a.example", {"create": True, "identity": "Pending", "pin": True})
    sb.advance(hours=25)
    assert sb.identity("other@a.example")["identity"] == "Pending"


def test_list_pages(sb, ses):
    names = [f"d{i:02}.example" for i in range(25)]
    for name in names:
        sb.control.post(f"/identities/{name}", {"create": True})
    sb.control.post("/identities/d03.example", {"identity": "SUCCESS", "pin": True})
    seen, token = [], {}
    while True:
        page = ses.list_email_identities(PageSize=10, **token)
        seen += page["EmailIdentities"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
        assert {"+", "/"} <= set(page["NextToken"])
    assert [one["IdentityName"] for one in seen] == names
    assert [one["IdentityName"] for one in seen if one["SendingEnabled"]] == ["d03.example"]
    assert seen[0]["IdentityType"] == "DOMAIN"
    ses.list_email_identities(PageSize=1000)
    assert ses.raw["EmailIdentities"][3]["VerificationStatus"] == "SUCCESS"
    assert len(ses.list_email_identities(PageSize=0)["EmailIdentities"]) == 25
    assert len(ses.list_email_identities()["EmailIdentities"]) == 25
    assert refused(ses.list_email_identities, PageSize=1001) == (400, "BadRequestException")
    assert refused(ses.list_email_identities, NextToken="rubbish") == (400, "InvalidNextTokenException")


def test_delete(ses):
    create(ses)
    ses.delete_email_identity(EmailIdentity="a.example")
    assert refused(get, ses=ses) == (404, "NotFoundException")
    assert refused(ses.delete_email_identity, EmailIdentity="a.example") == (404, "NotFoundException")
    tokens = create(ses)["DkimAttributes"]["Tokens"]
    assert len(tokens) == 3


def test_unknown_identity_answers_differ(ses):
    unknown = {"EmailIdentity": "no.example"}
    assert refused(ses.get_email_identity, **unknown) == (404, "NotFoundException")
    assert refused(ses.put_email_identity_dkim_attributes, **unknown) == (400, "BadRequestException")
    assert refused(ses.put_email_identity_mail_from_attributes, **unknown) == (400, "BadRequestException")
    assert refused(
        ses.put_email_identity_dkim_signing_attributes, SigningAttributesOrigin="AWS_SES", **unknown
    ) == (404, "NotFoundException")
    assert refused(ses.put_email_identity_configuration_set_attributes, **unknown) == (404, "NotFoundException")
    assert refused(ses.put_email_identity_feedback_attributes, **unknown) == (404, "NotFoundException")


def test_put_dkim(ses):
    create(ses)
    ses.put_email_identity_dkim_attributes(EmailIdentity="a.example", SigningEnabled=False)
    assert get(ses)["DkimAttributes"]["SigningEnabled"] is False
    ses.put_email_identity_dkim_attributes(EmailIdentity="a.example", SigningEnabled=True)
    assert get(ses)["DkimAttributes"]["SigningEnabled"] is True
    ses.put_email_identity_dkim_attributes(EmailIdentity="a.example")
    assert get(ses)["DkimAttributes"]["SigningEnabled"] is False


def test_put_mail_from(ses):
    create(ses)
    put = ses.put_email_identity_mail_from_attributes
    put(EmailIdentity="a.example", MailFromDomain="m.a.example", BehaviorOnMxFailure="REJECT_MESSAGE")
    assert get(ses)["MailFromAttributes"] == {
        "MailFromDomain": "m.a.example",
        "MailFromDomainStatus": "PENDING",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    for wrong in ("a.example", "m.b.example", "-.a.example"):
        assert refused(put, EmailIdentity="a.example", MailFromDomain=wrong) == (400, "BadRequestException")
    assert refused(put, EmailIdentity="a.example", BehaviorOnMxFailure="PANIC") == (400, "BadRequestException")
    put(EmailIdentity="a.example")
    assert get(ses)["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}


def test_put_configuration_set_and_feedback(sb, ses):
    sb.control.post("/configuration-sets/other")
    create(ses)
    ses.put_email_identity_configuration_set_attributes(EmailIdentity="a.example", ConfigurationSetName="other")
    ses.put_email_identity_feedback_attributes(EmailIdentity="a.example", EmailForwardingEnabled=False)
    reply = get(ses)
    assert reply["ConfigurationSetName"] == "other" and reply["FeedbackForwardingStatus"] is False
    assert refused(
        ses.put_email_identity_configuration_set_attributes, EmailIdentity="a.example", ConfigurationSetName="a b"
    ) == (400, "BadRequestException")
    ses.put_email_identity_configuration_set_attributes(EmailIdentity="a.example")
    assert "ConfigurationSetName" not in get(ses)


def put_signing(ses, origin="AWS_SES", **attributes):
    more = {"SigningAttributes": attributes} if attributes else {}
    return ses.put_email_identity_dkim_signing_attributes(
        EmailIdentity="a.example", SigningAttributesOrigin=origin, **more
    )


def test_key_length_changes_once_a_day(sb, ses):
    first = create(ses)["DkimAttributes"]["Tokens"]
    assert refused(put_signing, ses=ses, NextSigningKeyLength="RSA_2048_BIT") == (400, "BadRequestException")
    reply = put_signing(ses, NextSigningKeyLength="RSA_1024_BIT")
    assert reply["DkimStatus"] == "PENDING" and len(set(reply["DkimTokens"]) - set(first)) == 3
    assert ses.raw["SigningHostedZone"] == "dkim.amazonses.com"
    assert get(ses)["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    assert refused(put_signing, ses=ses, NextSigningKeyLength="RSA_2048_BIT") == (400, "BadRequestException")
    sb.advance(hours=25)
    put_signing(ses, NextSigningKeyLength="RSA_2048_BIT")
    assert refused(put_signing, ses=ses, NextSigningKeyLength="RSA_512_BIT") == (400, "BadRequestException")


@pytest.mark.parametrize("pkcs1", [True, False])
def test_own_key(sb, ses, pkcs1):
    private, public = private_key(pkcs1=pkcs1)
    own = {"DomainSigningSelector": "mine", "DomainSigningPrivateKey": private}
    sb.add_zone("a.example")
    reply = create(ses, DkimSigningAttributes=own)
    assert reply["DkimAttributes"]["Tokens"] == ["mine"]
    assert reply["DkimAttributes"]["SigningAttributesOrigin"] == "EXTERNAL"
    assert "SigningHostedZone" not in ses.raw["DkimAttributes"]
    sb.wait_status("a.example", error_type="HOST_NOT_FOUND")
    sb.zone_add(f'mine._domainkey.a.example 300 TXT "v=DKIM1; k=rsa; p={public[:100]}" "{public[100:]}"')
    sb.wait_status("a.example", dkim="Success", identity="Success", error_type=None)
    assert sb.client("ses").get_identity_dkim_attributes(Identities=["a.example"])["DkimAttributes"]["a.example"][
        "DkimTokens"
    ] == ["mine"]
    assert put_signing(ses)["DkimStatus"] == "PENDING"  # back to Easy DKIM: verified anew
    assert put_signing(ses, "EXTERNAL", **own)["DkimTokens"] == ["mine"]


def test_own_key_refusals(ses):
    good, _ = private_key()
    for selector, key in (
        ("two.labels", good),
        ("-x", good),
        ("", good),
        ("ok", "rubbish"),
        ("ok", good[:-4]),
        ("ok", private_key(512)[0]),
        ("ok", private_key(3072)[0]),
    ):
        own = {"DomainSigningSelector": selector, "DomainSigningPrivateKey": key}
        if not selector:
            own.pop("DomainSigningSelector")
        assert refused(create, ses=ses, DkimSigningAttributes=own) == (400, "BadRequestException"), own
    assert refused(get, ses=ses) == (404, "NotFoundException")  # nothing was left behind


def test_signing_origin_refusals(ses):
    create(ses)
    assert refused(put_signing, ses=ses, origin="ELSEWHERE") == (400, "BadRequestException")
    assert refused(put_signing, ses=ses, origin="EXTERNAL") == (400, "BadRequestException")


def test_get_account(ses):
    account = ses.get_account()
    assert account["ProductionAccessEnabled"] is True and account["SendingEnabled"] is True
    assert account["EnforcementStatus"] == "HEALTHY"
    assert account["SendQuota"] == {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 127.0}
    assert account["SuppressionAttributes"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert account["Details"]["ReviewDetails"]["Status"] == "GRANTED"


def test_operations_the_sandbox_lacks_are_refused(ses):
    assert refused(ses.list_contact_lists) == (404, "UnknownOperationException")


def test_throttle(start):
    sb = start("--rate", "0.001")
    ses = sb.client("sesv2")
    ses.get_account()
    assert refused(ses.get_account) == (429, "TooManyRequestsException")
    assert sb.calls("GetAccount")["throttled"] == 1


def test_verification_info_is_what_dns_said(sb, ses):
    sb.add_zone("a.example")
    create(ses)
    sb.wait_status("a.example", error_type="HOST_NOT_FOUND")
    get(ses)
    info = ses.raw["VerificationInfo"]
    assert info["ErrorType"] == "HOST_NOT_FOUND"
    assert info["SOARecord"] == {
        "PrimaryNameServer": "ns1.a.example",
        "AdminEmail": "hostmaster.a.example",
        "SerialNumber": 1,
    }
    assert info["LastCheckedTimestamp"] > 0 and "LastSuccessTimestamp" not in info
    sb.zone_add(*sb.records("a.example")["lines"]["dkim"])
    sb.wait_status("a.example", dkim="Success")
    get(ses)
    assert "ErrorType" not in ses.raw["VerificationInfo"]
    assert ses.raw["VerificationInfo"]["LastSuccessTimestamp"] > 0
    assert ses.raw["VerifiedForSendingStatus"] is True
