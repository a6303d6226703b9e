"""What an account is, may and has, by boto3: sandbox and paused accounts, quotas, permissions, configuration sets."""

import pytest
from botocore.exceptions import ClientError

from sandbox import ACCESS_KEY, ControlError

OTHER = ("--access-key", "AKIDONE", "--secret-key", "one", "--access-key", "AKIDTWO", "--secret-key", "two")


def refused(call, **arguments):
    """(status, code, message) of the error the call must end in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"], reply["Error"]["Message"]


@pytest.fixture
def v1(sb):
    return sb.client("ses")


@pytest.fixture
def v2(sb):
    return sb.client("sesv2")


def test_an_account_in_ses_sandbox(sb, v1, v2):
    sb.control.post("/account", {"production": False, "max_24_hours": 200, "max_rate": 1, "sent": 0})
    account = v2.get_account()
    assert account["ProductionAccessEnabled"] is False and account["SendingEnabled"] is True
    assert account["SendQuota"] == {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}
    assert "Details" not in account
    assert v1.get_send_quota()["Max24HourSend"] == 200.0
    assert sb.client("sesv2", region="us-east-1").get_account()["ProductionAccessEnabled"] is True


def test_a_paused_account(sb, v1, v2):
    sb.control.post("/account", {"sending": False, "enforcement": "SHUTDOWN"})
    account = v2.get_account()
    assert (account["SendingEnabled"], account["EnforcementStatus"]) == (False, "SHUTDOWN")
    assert v1.get_account_sending_enabled()["Enabled"] is False
    sb.control.post("/account", {"sending": True, "enforcement": "NEW_VALUE_OF_AN_OPEN_SET", "max_24_hours": -1})
    account = v2.get_account()
    assert account["EnforcementStatus"] == "NEW_VALUE_OF_AN_OPEN_SET"
    assert account["SendQuota"]["Max24HourSend"] == v1.get_send_quota()["Max24HourSend"] == -1.0


def test_the_quota_of_identities(sb, v1, v2):
    sb.control.post("/account", {"identities_max": 2})
    v2.create_email_identity(EmailIdentity="a.example")
    v1.verify_domain_dkim(Domain="b.example")
    assert refused(v2.create_email_identity, EmailIdentity="c.example")[:2] == (400, "LimitExceededException")
    assert refused(v1.verify_domain_dkim, Domain="c.example")[:2] == (400, "LimitExceeded")
    assert refused(v1.verify_domain_identity, Domain="c.example")[:2] == (400, "LimitExceeded")
    assert refused(v2.create_email_identity, EmailIdentity="a.example")[1] == "AlreadyExistsException"
    v1.verify_domain_dkim(Domain="a.example")  # one that is there needs no room
    v1.delete_identity(Identity="b.example")
    v2.create_email_identity(EmailIdentity="c.example")


def test_permissions_by_action(sb, v1, v2):
    sb.control.post("/permissions", {"deny": ["ses:GetAccount", "ses:*DkimAttributes"]})
    status, code, text = refused(v2.get_account)
    assert (status, code) == (403, "AccessDeniedException")
    assert "is not authorized to perform: ses:GetAccount on resource: arn:aws:ses:eu-west-1:" in text
    assert text.startswith("User: arn:aws:iam::") and "explicit deny" in text
    status, code, text = refused(v1.get_identity_dkim_attributes, Identities=["a.example"])
    assert (status, code) == (403, "AccessDenied")
    assert "is not authorized to perform: ses:GetIdentityDkimAttributes" in text
    v1.get_identity_verification_attributes(Identities=["a.example"])
    assert refused(v2.put_email_identity_dkim_attributes, EmailIdentity="a.example")[1] == "AccessDeniedException"
    sb.control.delete("/permissions")
    v2.get_account()


def test_a_policy_that_allows_only_reads(sb, v1, v2):
    sb.control.post("/permissions", {"allow": ["ses:Get*", "ses:List*"]})
    status, code, text = refused(v2.create_email_identity, EmailIdentity="a.example")
    assert (status, code) == (403, "AccessDeniedException")
    assert text.endswith("because no identity-based policy allows the ses:CreateEmailIdentity action")
    assert refused(v1.verify_domain_dkim, Domain="a.example")[2].endswith(
        "because no identity-based policy allows the ses:VerifyDomainDkim action")
    assert v1.list_identities()["Identities"] == []
    assert sb.client("sts").get_caller_identity()["Arn"] in text  # that needs no permission
    assert sb.calls("CreateEmailIdentity")["refused"] == 1


def test_permissions_are_of_one_key(start):
    sb = start(*OTHER)
    sb.control.post("/permissions?account=AKIDTWO", {"deny": ["ses:*"]})
    sb.client("sesv2", access_key="AKIDONE", secret_key="one").get_account()
    two = sb.client("sesv2", access_key="AKIDTWO", secret_key="two")
    assert refused(two.get_account)[1] == "AccessDeniedException"


def test_two_keys_of_one_account(start):
    sb = start(*OTHER, "--account", "AKIDONE")  # the second key: a rotated one, say
    one, two = (sb.client("sesv2", access_key=key, secret_key=key[4:].lower()) for key in ("AKIDONE", "AKIDTWO"))
    one.create_email_identity(EmailIdentity="a.example")
    assert two.get_email_identity(EmailIdentity="a.example")["IdentityType"] == "DOMAIN"
    sb.control.post("/permissions?account=AKIDONE", {"deny": ["ses:*"]})
    assert refused(one.get_account)[1] == "AccessDeniedException"
    two.get_account()
    sb.control.post("/rate", {"rate": 0.001})
    two.list_email_identities()
    sb.control.delete("/permissions")
    assert refused(one.list_email_identities)[:2] == (429, "TooManyRequestsException")  # the account's rate, not the key's
    assert two.meta.region_name == "eu-west-1" and sb.identity("a.example", account="AKIDONE")


def test_a_wrong_signature_is_told_before_a_missing_permission(sb):
    sb.control.post("/permissions", {"deny": ["ses:*"]})
    assert refused(sb.client("sesv2", secret_key="wrong").get_account)[1] == "SignatureDoesNotMatch"


def test_configuration_sets_exist_or_not(sb, v2):
    create = lambda name, **more: v2.create_email_identity(EmailIdentity=name, **more)
    status, code, text = refused(create, name="a.example", ConfigurationSetName="main")
    assert (status, code) == (404, "NotFoundException") and "<main> does not exist" in text
    assert refused(v2.get_email_identity, EmailIdentity="a.example")[0] == 404  # nothing was left behind
    sb.control.post("/configuration-sets/main")
    create("a.example", ConfigurationSetName="main")
    put = v2.put_email_identity_configuration_set_attributes
    assert refused(put, EmailIdentity="a.example", ConfigurationSetName="other")[:2] == (404, "NotFoundException")
    assert v2.get_email_identity(EmailIdentity="a.example")["ConfigurationSetName"] == "main"
    sb.control.delete("/configuration-sets/main")
    assert v2.get_email_identity(EmailIdentity="a.example")["ConfigurationSetName"] == "main"
    assert refused(put, EmailIdentity="a.example", ConfigurationSetName="main")[1] == "NotFoundException"
    assert sb.control.get("/configuration-sets?region=us-east-1") == []


def test_concurrent_modification_on_request(sb, v2):
    sb.fault("status", action="CreateEmailIdentity", status=500, code="ConcurrentModificationException")
    with pytest.raises(v2.exceptions.ConcurrentModificationException) as caught:
        v2.create_email_identity(EmailIdentity="a.example")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    v2.create_email_identity(EmailIdentity="a.example")


@pytest.mark.parametrize(
    "resource, body",
    [
        ("account", {"identities_max": 10001}),
        ("account", {"sendin": False}),
        ("account", {"max_rate": -1}),
        ("permissions", {"deny": "ses:*"}),
        ("permissions", {"allow": [1]}),
        ("configuration-sets/no%20blanks", {}),
    ],
)
def test_wrong_settings_are_refused(sb, resource, body):
    with pytest.raises(ControlError) as caught:
        sb.control.post(f"/{resource}", body)
    assert caught.value.status == 400


def test_one_action_has_a_rate_of_its_own(sb, v1, v2):
    sb.control.post("/rate", {"rate": 0.001, "action": "GetAccount"})
    v2.get_account()
    assert refused(v2.get_account)[:2] == (429, "TooManyRequestsException")
    for _ in range(3):
        v1.get_send_quota()
    sb.control.post("/rate", {"rate": 0.001})
    sb.control.post("/rate", {"rate": 0, "action": "GetAccount"})
    v2.get_account()
    v1.get_account_sending_enabled()
    assert refused(v1.get_account_sending_enabled)[1] == "Throttling"
    sb.control.post("/reset")
    v1.get_account_sending_enabled()


def test_reset_forgets_it_all(sb, v2):
    sb.control.post("/account", {"sending": False, "identities_max": 0})
    sb.control.post("/permissions", {"deny": ["ses:*"]})
    sb.control.post("/configuration-sets/main")
    sb.control.post("/reset")
    assert v2.get_account()["SendingEnabled"] is True
    assert sb.control.get("/configuration-sets") == [] and sb.control.get("/permissions") == {}
    assert sb.control.get(f"/account?account={ACCESS_KEY}")["identities_max"] == 10000
