"""Every operation of SES API v1 that the sandbox has, called by boto3, a client that knows nothing of us."""

import xml.etree.ElementTree as ElementTree

import pytest
from botocore.exceptions import ClientError

NAMESPACE = "{http://ses.amazonaws.com/doc/2010-12-01/}"


def refused(call, **arguments):
    """(status, code, message) of the error the call must end in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    assert reply["ResponseMetadata"]["RequestId"]
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"], reply["Error"]["Message"]


@pytest.fixture
def ses(sb):
    return sb.client("ses")


def raw_body(client, operation, **arguments):
    """The bytes of the reply besides boto3's view of it."""
    bodies = []
    client.meta.events.register("response-received", lambda **all: bodies.append(all["response_dict"]["body"]))
    getattr(client, operation)(**arguments)
    return bodies[-1]


def test_verify_domain_identity(ses):
    token = ses.verify_domain_identity(Domain="a.example")["VerificationToken"]
    assert len(token) == 44
    assert ses.verify_domain_identity(Domain="A.example")["VerificationToken"] == token
    assert ses.verify_domain_identity(Domain="b.example")["VerificationToken"] != token
    attributes = ses.get_identity_verification_attributes(Identities=["a.example", "unknown.example"])
    assert attributes["VerificationAttributes"] == {
        "a.example": {"VerificationStatus": "Pending", "VerificationToken": token}
    }


def test_verify_domain_dkim(ses):
    tokens = ses.verify_domain_dkim(Domain="a.example")["DkimTokens"]
    assert len(set(tokens)) == 3
    assert all(len(token) == 32 and token.isalnum() and token == token.lower() for token in tokens)
    assert ses.verify_domain_dkim(Domain="a.example")["DkimTokens"] == tokens
    dkim = ses.get_identity_dkim_attributes(Identities=["a.example"])["DkimAttributes"]["a.example"]
    assert dkim == {"DkimEnabled": True, "DkimVerificationStatus": "Pending", "DkimTokens": tokens}
    assert ses.list_identities()["Identities"] == ["a.example"]


def test_tokens_are_the_same_in_every_run(start):
    first, second = start(), start()
    assert first.client("ses").verify_domain_dkim(Domain="a.example")["DkimTokens"] == (
        second.client("ses").verify_domain_dkim(Domain="a.example")["DkimTokens"]
    )
    assert first.records("a.example", region="us-east-1")["tokens"] != first.records("a.example")["tokens"]


@pytest.mark.parametrize(
    "domain",
    ["", "nodots", "-a.example", "a..example", "a_b.example", "bücher.example", "1.2.3.4", "a" * 64 + ".example"],
)
def test_invalid_domains_are_refused(ses, domain):
    for call in (ses.verify_domain_identity, ses.verify_domain_dkim):
        status, code, _ = refused(call, Domain=domain)
        assert (status, code) == (400, "InvalidParameterValue" if domain else "ValidationError")


def test_dkim_of_an_unknown_identity(start, ses):
    dkim = ses.get_identity_dkim_attributes(Identities=["unknown.example"])["DkimAttributes"]
    assert dkim == {"unknown.example": {"DkimEnabled": False, "DkimVerificationStatus": "NotStarted"}}
    omitting = start("--omit-unknown").client("ses")
    assert omitting.get_identity_dkim_attributes(Identities=["unknown.example"])["DkimAttributes"] == {}


def test_mail_from(ses):
    ses.verify_domain_dkim(Domain="a.example")
    read = lambda: ses.get_identity_mail_from_domain_attributes(Identities=["a.example", "unknown.example"])[
        "MailFromDomainAttributes"
    ]
    assert read() == {"a.example": {"BehaviorOnMXFailure": "UseDefaultValue"}}
    ses.set_identity_mail_from_domain(
        Identity="a.example", MailFromDomain="bounce.a.example", BehaviorOnMXFailure="RejectMessage"
    )
    assert read()["a.example"] == {
        "MailFromDomain": "bounce.a.example",
        "MailFromDomainStatus": "Pending",
        "BehaviorOnMXFailure": "RejectMessage",
    }
    ses.set_identity_mail_from_domain(Identity="a.example")
    assert read() == {"a.example": {"BehaviorOnMXFailure": "UseDefaultValue"}}


def test_mail_from_refusals(ses):
    ses.verify_domain_dkim(Domain="a.example")
    call = ses.set_identity_mail_from_domain
    assert refused(call, Identity="no.example", MailFromDomain="m.no.example") == (
        400,
        "InvalidParameterValue",
        "Identity <no.example> does not exist.",
    )
    for wrong in ("a.example", "m.other.example", "ma.example", "-.a.example"):
        assert refused(call, Identity="a.example", MailFromDomain=wrong)[:2] == (400, "InvalidParameterValue")
    assert refused(call, Identity="a.example", BehaviorOnMXFailure="Panic")[:2] == (400, "ValidationError")


def test_dkim_enabled(ses):
    ses.verify_domain_dkim(Domain="a.example")
    ses.set_identity_dkim_enabled(Identity="a.example", DkimEnabled=False)
    read = lambda: ses.get_identity_dkim_attributes(Identities=["a.example"])["DkimAttributes"]["a.example"]
    assert read()["DkimEnabled"] is False
    assert read()["DkimVerificationStatus"] == "Pending"
    ses.set_identity_dkim_enabled(Identity="a.example", DkimEnabled=True)
    assert read()["DkimEnabled"] is True
    assert refused(ses.set_identity_dkim_enabled, Identity="no.example", DkimEnabled=True) == (
        400,
        "InvalidParameterValue",
        "Domain no.example is not verified for DKIM signing.",
    )


def test_notifications(ses):
    ses.verify_domain_identity(Domain="a.example")
    read = lambda: ses.get_identity_notification_attributes(Identities=["a.example", "no.example"])[
        "NotificationAttributes"
    ]
    topic = "arn:aws:sns:eu-west-1:123456789012:bounces"
    ses.set_identity_notification_topic(Identity="a.example", NotificationType="Bounce", SnsTopic=topic)
    assert read() == {
        "a.example": {
            "BounceTopic": topic,
            "ForwardingEnabled": True,
            "HeadersInBounceNotificationsEnabled": False,
            "HeadersInComplaintNotificationsEnabled": False,
            "HeadersInDeliveryNotificationsEnabled": False,
        }
    }
    ses.set_identity_notification_topic(Identity="a.example", NotificationType="Bounce")
    assert "BounceTopic" not in read()["a.example"]
    call = ses.set_identity_notification_topic
    assert refused(call, Identity="a.example", NotificationType="Joy")[1] == "ValidationError"
    assert refused(call, Identity="no.example", NotificationType="Bounce")[1] == "InvalidParameterValue"
    assert refused(call, Identity="a.example", NotificationType="Bounce", SnsTopic="x")[1] == "InvalidParameterValue"


def test_delete_identity(ses):
    ses.verify_domain_dkim(Domain="a.example")
    ses.delete_identity(Identity="a.example")
    assert ses.list_identities()["Identities"] == []
    ses.delete_identity(Identity="a.example")  # an unknown one is no error


@pytest.mark.parametrize(
    "operation",
    [
        "get_identity_verification_attributes",
        "get_identity_dkim_attributes",
        "get_identity_mail_from_domain_attributes",
        "get_identity_notification_attributes",
    ],
)
def test_batches(ses, operation):
    call = getattr(ses, operation)
    names = [f"d{i:03}.example" for i in range(101)]
    for name in names[:3]:
        ses.verify_domain_dkim(Domain=name)
    reply = call(Identities=names[:100])
    (attributes,) = (value for key, value in reply.items() if key != "ResponseMetadata")
    known = {name for name in attributes if attributes[name].get("DkimVerificationStatus") != "NotStarted"}
    assert known == set(names[:3])
    assert refused(call, Identities=names)[:2] == (400, "InvalidParameterValue")
    assert refused(call, Identities=[])[:2] == (400, "ValidationError")
    assert refused(call, Identities=["no domain"])[:2] == (400, "InvalidParameterValue")


def test_list_identities_pages(sb, ses):
    names = [f"d{i:02}.example" for i in range(25)]
    for name in names:
        sb.control.post(f"/identities/{name}", {"create": True})
    sb.control.post("/identities/someone@d01.example", {"create": True})
    assert sorted(ses.list_identities()["Identities"]) == sorted(names + ["someone@d01.example"])
    assert ses.list_identities(IdentityType="EmailAddress")["Identities"] == ["someone@d01.example"]
    pages = list(ses.get_paginator("list_identities").paginate(IdentityType="Domain", MaxItems=10))
    assert [len(page["Identities"]) for page in pages] == [10, 10, 5]
    assert [name for page in pages for name in page["Identities"]] == names
    token = pages[0]["NextToken"]
    assert {"+", "/"} <= set(token), "the token must need escaping"
    call = ses.list_identities
    assert refused(call, IdentityType="EmailAddress", NextToken=token)[1] == "InvalidParameterValue"
    assert refused(call, IdentityType="Domain", NextToken=token + "A")[1] == "InvalidParameterValue"
    assert refused(call, MaxItems=0)[1] == "InvalidParameterValue"
    assert refused(call, MaxItems=1001)[1] == "InvalidParameterValue"
    assert refused(call, IdentityType="Ghost")[1] == "ValidationError"
    exact = ses.list_identities(IdentityType="Domain", MaxItems=25)
    assert len(exact["Identities"]) == 25 and "NextToken" not in exact


def test_account_reads(ses):
    quota = ses.get_send_quota()
    assert (quota["Max24HourSend"], quota["MaxSendRate"], quota["SentLast24Hours"]) == (50000.0, 14.0, 127.0)
    assert ses.get_account_sending_enabled()["Enabled"] is True


def test_unknown_action_is_refused(ses):
    assert refused(ses.get_send_statistics)[:2] == (400, "InvalidAction")


def test_envelope(ses):
    root = ElementTree.fromstring(raw_body(ses, "verify_domain_dkim", Domain="a.example"))
    assert root.tag == NAMESPACE + "VerifyDomainDkimResponse"
    assert len(root.findall(f"{NAMESPACE}VerifyDomainDkimResult/{NAMESPACE}DkimTokens/{NAMESPACE}member")) == 3
    assert root.findtext(f"{NAMESPACE}ResponseMetadata/{NAMESPACE}RequestId")
    empty = ElementTree.fromstring(raw_body(ses, "delete_identity", Identity="a.example"))
    assert len(empty.find(NAMESPACE + "DeleteIdentityResult")) == 0


def test_request_id_is_in_header_and_body(ses):
    reply = ses.get_send_quota()["ResponseMetadata"]
    assert reply["HTTPHeaders"]["x-amzn-requestid"] == reply["RequestId"]
    assert reply["HTTPHeaders"]["content-type"] == "text/xml"


def test_accounts_and_regions_have_their_own_identities(start):
    sb = start("--access-key", "AKIDONE", "--secret-key", "one", "--access-key", "AKIDTWO", "--secret-key", "two")
    one = sb.client("ses", access_key="AKIDONE", secret_key="one")
    two = sb.client("ses", access_key="AKIDTWO", secret_key="two")
    far = sb.client("ses", region="us-east-1", access_key="AKIDONE", secret_key="one")
    one.verify_domain_dkim(Domain="a.example")
    assert two.list_identities()["Identities"] == far.list_identities()["Identities"] == []
    far.verify_domain_dkim(Domain="b.example")
    assert one.list_identities()["Identities"] == ["a.example"]
    assert far.list_identities()["Identities"] == ["b.example"]


def test_sts(sb):
    who = sb.client("sts").get_caller_identity()
    assert len(who["Account"]) == 12 and who["Account"].isdigit()
    assert who["Arn"].startswith("arn:aws:iam::" + who["Account"])


def test_throttle(start):
    sb = start("--rate", "0.001")
    one, far = sb.client("ses"), sb.client("ses", region="us-east-1")
    one.get_send_quota()
    assert refused(one.get_send_quota) == (400, "Throttling", "Rate exceeded")
    one.get_account_sending_enabled()  # another action has its own bucket,
    far.get_send_quota()  # and so has another region
    calls = sb.calls("GetSendQuota")
    assert (calls["count"], calls["ok"], calls["throttled"]) == (3, 2, 1)
    assert calls["arrivals_ms"] == sorted(calls["arrivals_ms"]) and len(calls["arrivals_ms"]) == 3
    sb.control.post("/rate", {"rate": 0})
    one.get_send_quota()
    sb.control.post("/rate", {"rate": 0.001, "burst": 3})
    sb.control.delete("/calls")  # forgets the buckets too
    for _ in range(3):
        one.get_send_quota()
    assert refused(one.get_send_quota)[1] == "Throttling"
