"""Tags, metrics and recommendations by boto3; and members that no operation has."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

import requests_aws
from sandbox import ControlError

NAME = "a.example"
DAY = datetime.timedelta(days=1)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.timezone.utc)


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


@pytest.fixture
def ses(sb):
    return sb.client("sesv2")


@pytest.fixture
def arn(sb, ses):
    ses.create_email_identity(EmailIdentity=NAME, Tags=[{"Key": "client", "Value": "c1"}])
    account = sb.client("sts").get_caller_identity()["Account"]
    return f"arn:aws:ses:eu-west-1:{account}:identity/{NAME}"


def tags_of(ses, arn):
    return {tag["Key"]: tag["Value"] for tag in ses.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def test_tags(ses, arn):
    assert tags_of(ses, arn) == {"client": "c1"}
    ses.tag_resource(ResourceArn=arn, Tags=[{"Key": "client", "Value": "c2"}, {"Key": "für", "Value": ""}])
    assert tags_of(ses, arn) == {"client": "c2", "für": ""}
    assert len(ses.get_email_identity(EmailIdentity=NAME)["Tags"]) == 2
    ses.tag_resource(ResourceArn=arn, Tags=[{"Key": "a&b=c", "Value": "+/ %"}])
    ses.untag_resource(ResourceArn=arn, TagKeys=["client", "a&b=c", "never there"])
    assert tags_of(ses, arn) == {"für": ""}


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:mine", "Value": "x"}],
        [{"Key": "", "Value": "x"}],
        [{"Key": "k" * 129, "Value": "x"}],
        [{"Key": "k", "Value": "x" * 257}],
        [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
        [{"Key": f"k{i}", "Value": "x"} for i in range(51)],
    ],
)
def test_tags_that_are_refused(ses, arn, tags):
    assert refused(ses.tag_resource, ResourceArn=arn, Tags=tags) == (400, "BadRequestException")
    assert tags_of(ses, arn) == {"client": "c1"}
    assert refused(ses.create_email_identity, EmailIdentity="b.example", Tags=tags) == (400, "BadRequestException")
    assert refused(ses.get_email_identity, EmailIdentity="b.example")[0] == 404


def test_arns_of_others(ses, arn):
    for wrong in (arn + "x", arn.replace("eu-west-1", "us-east-1"), arn.replace("identity", "tenant")):
        assert refused(ses.list_tags_for_resource, ResourceArn=wrong) == (404, "NotFoundException")
    assert refused(ses.list_tags_for_resource, ResourceArn="rubbish") == (400, "BadRequestException")


def query(metric="SEND", name=NAME, start=NOON - 3 * DAY, end=NOON, **more):
    dimensions = {"EMAIL_IDENTITY": name} if name else {}
    one = {"Id": metric.lower(), "Namespace": "VDM", "Metric": metric, "StartDate": start, "EndDate": end, **more}
    return {**one, "Dimensions": dimensions} if dimensions else one


@pytest.fixture
def with_vdm(sb):
    sb.control.post("/account", {"vdm": True})
    sb.control.post("/metrics", {"identity": NAME, "daily": {"SEND": 1000, "PERMANENT_BOUNCE": 30}})
    sb.control.post("/metrics", {"identity": "b.example", "daily": {"SEND": 7}})
    sb.control.post("/metrics", {"identity": "c.example", "error": "INTERNAL_FAILURE"})


def test_metrics_by_identity(ses, with_vdm):
    assert ses.get_account()["VdmAttributes"]["VdmEnabled"] == "ENABLED"
    reply = ses.batch_get_metric_data(Queries=[query(), query("PERMANENT_BOUNCE"), query("COMPLAINT"),
                                               {**query(name="no.example"), "Id": "other"}])
    results = {one["Id"]: one for one in reply["Results"]}
    assert results["send"]["Values"] == [1000] * 4  # each day that the time touches
    assert [at.strftime("%dT%H") for at in results["send"]["Timestamps"]] == ["17T00", "18T00", "19T00", "20T00"]
    assert results["permanent_bounce"]["Values"] == [30] * 4
    assert results["complaint"]["Values"] == results["other"]["Timestamps"] == [] and reply["Errors"] == []


def test_metrics_of_the_account_and_by_what_nobody_told(ses, with_vdm):
    by_isp = {**query(), "Id": "isp", "Dimensions": {"EMAIL_IDENTITY": NAME, "ISP": "Gmail"}}
    results = ses.batch_get_metric_data(Queries=[query(name=None, start=NOON - DAY), by_isp])["Results"]
    assert results[0]["Values"] == [1007, 1007] and results[1]["Values"] == []


def test_a_query_may_fail_by_itself(ses, with_vdm):
    reply = ses.batch_get_metric_data(Queries=[query(), {**query(name="c.example"), "Id": "bad"}])
    assert [one["Id"] for one in reply["Results"]] == ["send"]
    assert [(one["Id"], one["Code"]) for one in reply["Errors"]] == [("bad", "INTERNAL_FAILURE")]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [{**query(), "Id": str(i)} for i in range(11)],
        [query(), query()],
        [query("JOY")],
        [{**query(), "Namespace": "AWS/SES"}],
        [{**query(), "Dimensions": {"COUNTRY": "x"}}],
        [query(start=NOON, end=NOON)],
        [query(start=NOON - 400 * DAY)],
    ],
)
def test_wrong_queries(sb, with_vdm, wrong):
    ses = sb.client("sesv2", parameter_validation=False)  # the service shall say it
    assert refused(ses.batch_get_metric_data, Queries=wrong) == (400, "BadRequestException")


def test_without_vdm_there_is_nothing(ses):
    assert ses.get_account()["VdmAttributes"]["VdmEnabled"] == "DISABLED"
    assert refused(ses.batch_get_metric_data, Queries=[query()]) == (400, "BadRequestException")
    assert refused(ses.list_recommendations) == (400, "BadRequestException")


def test_recommendations(sb, ses, with_vdm, arn):
    sb.control.post("/recommendations", [
        {"identity": NAME, "type": "DKIM"},
        {"identity": NAME, "type": "BOUNCE", "impact": "LOW", "description": "Your bounce rate is high."},
        {"identity": "b.example", "type": "SPF", "status": "FIXED"},
    ])
    every = ses.list_recommendations()
    assert [one["Type"] for one in every["Recommendations"]] == ["DKIM", "BOUNCE", "SPF"] and "NextToken" not in every
    first = every["Recommendations"][0]
    assert first["ResourceArn"] == arn and (first["Status"], first["Impact"]) == ("OPEN", "HIGH")
    assert first["CreatedTimestamp"] == first["LastUpdatedTimestamp"]
    find = lambda **which: [one["Type"] for one in ses.list_recommendations(Filter=which)["Recommendations"]]
    assert find(STATUS="OPEN") == ["DKIM", "BOUNCE"]
    assert find(STATUS="OPEN", IMPACT="LOW") == find(TYPE="BOUNCE", RESOURCE_ARN=arn) == ["BOUNCE"]
    page = ses.list_recommendations(PageSize=2)
    assert len(page["Recommendations"]) == 2
    rest = ses.list_recommendations(PageSize=2, NextToken=page["NextToken"])
    assert [one["Type"] for one in rest["Recommendations"]] == ["SPF"] and "NextToken" not in rest
    for wrong in ({"PageSize": 0}, {"PageSize": 101}, {"NextToken": "rubbish"}, {"Filter": {"TYPE": "JOY"}},
                  {"Filter": {"TYPE": "DKIM", "STATUS": "OPEN", "IMPACT": "LOW"}}):
        assert refused(ses.list_recommendations, **wrong) == (400, "BadRequestException")


@pytest.mark.parametrize(
    "resource, body",
    [
        ("metrics", {"identity": "nodots"}),
        ("metrics", {"identity": NAME, "daily": {"JOY": 1}}),
        ("metrics", {"identity": NAME, "error": "BAD"}),
        ("recommendations", {"identity": NAME}),
        ("recommendations", [{"identity": NAME, "type": "JOY"}]),
    ],
)
def test_wrong_control_calls(sb, resource, body):
    with pytest.raises(ControlError) as caught:
        sb.control.post(f"/{resource}", body)
    assert caught.value.status == 400


def signed(sb, method, path, body, content_type):
    url = sb.ses_url + path
    headers = requests_aws.sign(url, method, body, {"Content-Type": content_type})
    return requests_aws.send(url, method, body, headers)


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", "/v2/email/identities", {"EmailIdentity": NAME, "Tag": []}),
        ("PUT", f"/v2/email/identities/{NAME}/mail-from", {"BehaviorOnMXFailure": "REJECT_MESSAGE"}),
        ("PUT", f"/v2/email/identities/{NAME}/dkim", {"signingEnabled": True}),
        ("GET", "/v2/email/identities?MaxItems=10", None),
    ],
)
def test_members_that_no_operation_has(sb, arn, method, path, body):
    data = b"" if body is None else json.dumps(body).encode()
    status, headers, _ = signed(sb, method, path, data, "application/json")
    assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")


@pytest.mark.parametrize("more", ["Identites.member.1=a.example", "Identity=a.example&BehaviorOnMxFailure=x"])
def test_parameters_that_no_operation_has(sb, more):
    action = "GetIdentityDkimAttributes" if "Identites" in more else "SetIdentityMailFromDomain"
    body = f"Action={action}&Version=2010-12-01&{more}".encode()
    status, _, reply = signed(sb, "POST", "/", body, "application/x-www-form-urlencoded; charset=utf-8")
    assert status == 400 and b"<Code>InvalidQueryParameter</Code>" in reply
