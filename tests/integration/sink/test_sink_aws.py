"""SNS, SQS and EventBridge: what is sent is what boto3 would send, signed right; what is answered means what it must."""
import json

import boto3
import botocore.config
import pytest

from aws_standin import BUS, KEY, QUEUE_PATH, REGION, SECRET, TOPIC, AwsStandin
from probe import event, run

TARGETS = {"sns": TOPIC, "sqs": f"https://sqs.eu-west-1.amazonaws.com{QUEUE_PATH}", "eventbridge": BUS}
KINDS = sorted(TARGETS)
ODD = "Grüße & <more>, \"quoted\" = 100 % + \\ \u2028 🦉"


@pytest.fixture
def aws():
    with AwsStandin() as it:
        yield it


def send(aws, kind, events, *options, target=None, **how):
    env = {**aws.environment(), **how.pop("env", {})}
    return run(kind, events, "--target", target or TARGETS[kind], "--endpoint", aws.url, *options, env=env, **how)


def outcomes(aws, kind, steps):
    """What became of one event for each step of the script, in the script's order."""
    aws.script += steps
    events = [event(n + 1) for n in range(len(steps))]
    answers, log = send(aws, kind, events)
    for secret in (SECRET, "Signature=", "AWS4-HMAC"):
        assert secret not in json.dumps(answers) + log
    by_id = {a["id"]: a for a in answers}
    assert len(by_id) == len(answers) == len(steps) == len(aws.asked)
    return [by_id[json.loads(taken.message)["id"]] for taken in aws.asked]


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_arrives_whole_and_signed(aws, kind):
    sent = [event(1, note=ODD), event(2, "at_risk"), event(3, "restored", client="Ünïcode & co")]
    answers, _ = send(aws, kind, sent)
    assert [a["outcome"] for a in answers] == ["delivered"] * 3
    assert all(taken.signed and taken.region == REGION for taken in aws.taken)
    assert sorted(taken.message for taken in aws.taken) == sorted(e["body"] for e in sent)
    if kind != "eventbridge":
        wanted = {e["body"]: {"type": e["type"], "client_id": e["client_id"]} for e in sent}
        assert all(taken.attributes() == wanted[taken.message] for taken in aws.taken)
        assert all("MessageGroupId" not in taken.fields for taken in aws.taken)
        return
    for taken in aws.taken:
        (entry,) = taken.fields["Entries"]
        assert entry["Source"] == "sesverify" and entry["EventBusName"] == BUS
        assert entry["DetailType"] == json.loads(entry["Detail"])["type"]
        assert taken.headers["X-Amz-Target"] == "AWSEvents.PutEvents"


def test_boto3_would_send_the_same(aws):
    """The reference client against the same stand-in: the same path, header and fields, beside its own extras."""
    how = {"region_name": REGION, "aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "endpoint_url": aws.url,
           "config": botocore.config.Config(retries={"max_attempts": 0})}
    one = event(1, note=ODD)
    attributes = {name: {"DataType": "String", "StringValue": one[name]} for name in ("type", "client_id")}
    boto3.client("sns", **how).publish(TopicArn=TOPIC + ".fifo", Message=one["body"], MessageAttributes=attributes,
                                       MessageGroupId=one["group"], MessageDeduplicationId=one["id"])
    boto3.client("sqs", **how).send_message(QueueUrl=aws.url + QUEUE_PATH + ".fifo", MessageBody=one["body"],
                                            MessageAttributes=attributes, MessageGroupId=one["group"],
                                            MessageDeduplicationId=one["id"])
    boto3.client("events", **how).put_events(Entries=[{"Source": "sesverify", "DetailType": one["type"],
                                                       "Detail": one["body"], "EventBusName": BUS}])
    assert [taken.service for taken in aws.taken] == ["sns", "sqs", "events"]
    assert all(taken.signed for taken in aws.taken)
    for kind, target in (("sns", TOPIC + ".fifo"), ("sqs", TARGETS["sqs"] + ".fifo"), ("eventbridge", BUS)):
        assert send(aws, kind, [one], target=target)[0][0]["outcome"] == "delivered"
    for theirs, ours in zip(aws.taken[:3], aws.taken[3:]):
        assert ours.headers.get("X-Amz-Target") == theirs.headers.get("X-Amz-Target")
        if theirs.service == "sqs":  # this boto3 leaves the path out; others, and we, say it twice
            assert ours.path == QUEUE_PATH + ".fifo" and theirs.fields.pop("QueueUrl") == aws.url + ours.path
            assert ours.fields.pop("QueueUrl") == TARGETS["sqs"] + ".fifo"
        else:
            assert ours.path == theirs.path
        assert ours.fields == theirs.fields


@pytest.mark.parametrize("kind,target", [("sns", TOPIC + ".fifo"), ("sqs", TARGETS["sqs"] + ".fifo")])
def test_fifo_keeps_the_order_of_a_domain(aws, kind, target):
    one = event(7)
    assert send(aws, kind, [one], target=target)[0][0]["outcome"] == "delivered"
    assert aws.taken[0].fields["MessageGroupId"] == one["group"]
    assert aws.taken[0].fields["MessageDeduplicationId"] == one["id"]


SAME = [
    ("throttled", ("error", 400, "Throttling", "Rate exceeded"), "later", "throttled"),
    ("busy", ("error", 503, "ServiceUnavailable", "try later", ("Retry-After", "7")), "later", "unavailable"),
    ("broken", ("error", 500, "InternalFailure", "oops"), "later", "unavailable"),
    ("bare", ("raw", 500, ""), "later", "unavailable"),
    ("denied", ("error", 403, "AccessDenied", "not you"), "later", "denied"),
    ("expired", ("error", 403, "ExpiredToken", "too old"), "later", "denied"),
    ("proxy", ("raw", 200, "<html><body>welcome</body></html>"), "later", "malformed"),
    ("empty", ("raw", 200, ""), "later", "malformed"),
    ("half", ("raw", 200, "<PublishResponse><PublishResult>"), "later", "malformed"),
    ("page", ("raw", 404, "<html>not here</html>"), "later", "malformed"),
    ("bad gateway", ("raw", 400, "what?"), "later", "refused"),
    ("odd", ("error", 400, "BrandNew", "never heard of"), "later", "refused"),
    ("cut", ("close",), "later", "connect"),
]
OWN = {
    "sns": [("no topic", ("error", 404, "NotFound", "Topic does not exist"), "gone", "not_found"),
            ("denied", ("error", 403, "AuthorizationError", "not you"), "later", "denied"),
            ("key", ("error", 400, "KMSDisabled", "the key is off"), "later", "refused"),
            ("bad", ("error", 400, "InvalidParameter", "Message too long"), "refused", "refused")],
    "sqs": [("no queue", ("error", 400, "AWS.SimpleQueueService.NonExistentQueue", "none"), "gone", "not_found"),
            ("bad", ("error", 400, "InvalidMessageContents", "a byte"), "refused", "refused")],
    "eventbridge": [("no bus", ("error", 400, "ResourceNotFound", "Event bus does not exist"), "gone", "not_found"),
                    ("entry later", ("entry", "ThrottlingException", "slow"), "later", "throttled"),
                    ("entry broken", ("entry", "InternalFailure", "oops"), "later", "unavailable"),
                    ("entry bad", ("entry", "MalformedDetail", "no JSON"), "refused", "refused"),
                    ("entry gone", ("entry", "ResourceNotFoundException", "no bus"), "gone", "not_found")],
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_each_refusal_means(aws, kind):
    rows = SAME + OWN[kind]
    for (name, step, wanted, err), it in zip(rows, outcomes(aws, kind, [row[1] for row in rows])):
        assert (it["outcome"], it["err"]) == (wanted, err), (name, it)
        if step[0] in ("error", "entry"):
            assert step[1 if step[0] == "entry" else 2].removesuffix("Exception") in it["text"], (name, it)
        assert (it["retry_after_ms"], it["blame"]) == ((7000, "target") if name == "busy" else (0, "unknown"))
    assert aws.taken == []
    print(f"{kind}: {len(SAME) + len(OWN[kind])} refusals, each with its outcome and reason")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_later_comes_again_the_same(aws, kind):
    aws.script += [("error", 400, "Throttling", "slow"), ("close",)]
    answers, _ = send(aws, kind, [event(4)], "--attempts", 3)
    assert [a["outcome"] for a in answers] == ["later", "later", "delivered"]
    assert len({taken.message for taken in aws.asked}) == 1 and len(aws.asked) == 3


def test_a_wrong_clock_is_learnt(aws):
    """A refused signature with a Date far from ours: the next attempt is signed by their clock."""
    far = ("Date", "Mon, 30 Nov 2037 12:00:00 GMT")
    aws.script.append(("raw", 403, '{"__type":"InvalidSignatureException","message":"x"}', far))
    answers, log = send(aws, "eventbridge", [event()], "--attempts", 2)
    assert [a["outcome"] for a in answers] == ["later", "delivered"]
    assert answers[0]["err"] == "clock" and "sink_clock_skew" in log
    assert aws.asked[1].headers["X-Amz-Date"].startswith("20371130T")


@pytest.mark.parametrize("kind", KINDS)
def test_a_close_leaves_nothing_behind(aws, kind):
    for delay in (0, 1, 5, 20):
        answers, _ = send(aws, kind, [event(n) for n in range(1, 20)], "--close-after-ms", delay)
        assert len(answers) == 19
        assert {a["outcome"] for a in answers} <= {"delivered", "later"}


@pytest.mark.parametrize("kind,target,region,wanted", [
    ("sns", "arn:aws-cn:sns:cn-north-1:123456789012:t", None, "cn-north-1"),
    ("sqs", "https://sqs.us-west-2.amazonaws.com/123456789012/q", "eu-west-1", "us-west-2"),
    ("sqs", "https://queue.example/123456789012/q", "us-east-2", "us-east-2"),
    ("eventbridge", "default", "ap-southeast-5", "ap-southeast-5"),
])
def test_the_region_is_the_targets(aws, kind, target, region, wanted):
    options = ["--region", region] if region else []
    assert send(aws, kind, [event()], *options, target=target)[0][0]["outcome"] == "delivered"
    assert aws.taken[0].region == wanted


@pytest.mark.parametrize("kind,target", [
    ("sns", "arn:aws:sqs:eu-west-1:123456789012:t"), ("sns", "domains"), ("sqs", TOPIC), ("sqs", "https://sqs.example"),
    ("eventbridge", "arn:aws:events:eu-west-1:123456789012:rule/r"), ("eventbridge", "my-bus"),
    ("sqs", "https://queue.example/1/q"),  # no region told
])
def test_a_target_that_is_none_is_refused_at_start(aws, kind, target):
    answers, log = send(aws, kind, [event()], target=target, code=2)
    assert answers == [] and "invalid" in log and aws.asked == []
