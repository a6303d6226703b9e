"""Those who give temporary keys, asked by botocore's own code: every answer is one that it takes, and the keys work."""
import boto3
import botocore.exceptions
import botocore.utils
import pytest
from botocore.exceptions import ClientError

from sandbox import ControlError, wait_for

ROLE, OTHER = "arn:aws:iam::123456789012:role/mail", "arn:aws:iam::123456789012:role/other"


def client(sb, service, keys=None):
    """With keys of (id, secret, token), or with those that are known from the start."""
    if keys is None:
        return sb.client(service)
    return boto3.client(service, region_name="eu-west-1", endpoint_url=sb.ses_url, aws_access_key_id=keys[0],
                        aws_secret_access_key=keys[1], aws_session_token=keys[2])


def of_sts(reply):
    keys = reply["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def work(sb, keys):
    """They are of the same account: its identities are there."""
    client(sb, "sesv2").create_email_identity(EmailIdentity="given.example")
    assert client(sb, "sesv2", keys).get_email_identity(EmailIdentity="given.example")["DkimAttributes"]
    assert client(sb, "sts", keys).get_caller_identity()["Account"] == client(sb, "sts").get_caller_identity()["Account"]


def test_assume_role(sb):
    sb.control.post("/givers", {"roles": {ROLE: None, OTHER: "ours&1"}})
    sts = client(sb, "sts")
    work(sb, of_sts(sts.assume_role(RoleArn=ROLE, RoleSessionName="xy")))
    sts.assume_role(RoleArn=OTHER, RoleSessionName="xy", ExternalId="ours&1")
    assert code_of(sts.assume_role, RoleArn=OTHER, RoleSessionName="xy") == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=ROLE + "x", RoleSessionName="xy") == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=ROLE, RoleSessionName="x y") == "ValidationError"


def test_web_identity_is_asked_without_a_signature(sb):
    sb.control.post("/givers", {"roles": {ROLE: None}, "web_token": "right"})
    sts = boto3.client("sts", region_name="eu-west-1", endpoint_url=sb.ses_url)
    ask = {"RoleArn": ROLE, "RoleSessionName": "xy"}
    work(sb, of_sts(sts.assume_role_with_web_identity(WebIdentityToken="right", **ask)))
    assert code_of(sts.assume_role_with_web_identity, WebIdentityToken="wrong", **ask) == "InvalidIdentityToken"


def test_keys_expire(sb):
    sb.control.post("/givers", {"roles": {ROLE: None}, "lives_ms": 1500})
    keys = of_sts(client(sb, "sts").assume_role(RoleArn=ROLE, RoleSessionName="xy"))

    def is_over():
        try:
            client(sb, "sesv2", keys).get_account()
        except ClientError as error:
            return error.response["Error"]["Code"]
        return None
    assert wait_for(is_over, "the keys to expire", 30) == "ExpiredTokenException"
    assert code_of(client(sb, "ses", keys).get_send_quota) == "ExpiredToken"


def fetcher(sb):
    return botocore.utils.InstanceMetadataFetcher(base_url=sb.ses_url + "/", timeout=5, num_attempts=1)


def test_instance_metadata(sb):
    given = fetcher(sb).retrieve_iam_role_credentials()
    assert given["role_name"] == "sandbox-role"
    work(sb, (given["access_key"], given["secret_key"], given["token"]))
    actions = [entry["action"] for entry in sb.control.get("/calls?entries=1")["entries"]]
    assert actions[:3] == ["ImdsToken", "ImdsRole", "ImdsKeys"]
    sb.control.post("/givers", {"imds_token_status": 404, "imds_role": "old"})  # version 1 only
    assert fetcher(sb).retrieve_iam_role_credentials()["role_name"] == "old"
    sb.control.post("/givers", {"imds_role": ""})
    assert fetcher(sb).retrieve_iam_role_credentials() == {}


def test_container(sb):
    sb.control.post("/givers", {"container_token": "pod"})
    ask = botocore.utils.ContainerMetadataFetcher()
    for path in "/v1/credentials", "/v2/credentials/1234":
        given = ask.retrieve_full_uri(sb.ses_url + path, {"Authorization": "pod"})
        work_once = (given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
        assert client(sb, "sesv2", work_once).get_account()["SendingEnabled"]
    with pytest.raises(botocore.exceptions.MetadataRetrievalError, match="403"):
        ask.retrieve_full_uri(sb.ses_url + "/v1/credentials", {})


def test_sso_portal(sb):
    sb.control.post("/givers", {"sso": {"token": "t", "account_id": "123456789012", "role_name": "Mail=1"}})
    sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=sb.ses_url)
    given = sso.get_role_credentials(accountId="123456789012", roleName="Mail=1", accessToken="t")["roleCredentials"]
    work(sb, (given["accessKeyId"], given["secretAccessKey"], given["sessionToken"]))
    assert code_of(sso.get_role_credentials, accountId="123456789012", roleName="Mail=1", accessToken="x") \
        == "UnauthorizedException"
    assert code_of(sso.get_role_credentials, accountId="123456789012", roleName="x", accessToken="t") \
        == "ForbiddenException"


def test_faults_are_those_of_the_ses_port(sb):
    sb.control.post("/faults", [{"match": {"action": "ImdsKeys"}, "do": "status", "status": 503},
                                {"match": {"action": "ContainerKeys"}, "do": "status", "status": 500, "count": 3}])
    assert fetcher(sb).retrieve_iam_role_credentials() == {}
    with pytest.raises(botocore.exceptions.MetadataRetrievalError):
        botocore.utils.ContainerMetadataFetcher(sleep=lambda _: None).retrieve_full_uri(sb.ses_url + "/v1/credentials", {})
    assert fetcher(sb).retrieve_iam_role_credentials()["role_name"] == "sandbox-role"


@pytest.mark.parametrize("bad", [{"roles": 1, "x": 1}, {"lives_ms": "1"}, {"sso": {"token": "t"}}])
def test_settings_are_read_strictly(sb, bad):
    with pytest.raises(ControlError):
        sb.control.post("/givers", bad)
