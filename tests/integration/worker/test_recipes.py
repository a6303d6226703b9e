"""docs/recipes.md, all of it at once: a real worker with every section of that page, against stand-ins (an HTTPS server, the
three services of AWS), a real second Redis and the page's own program."""
import json
import pathlib
import re

import pytest

from aws_standin import AwsStandin
from receiver import Receiver
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "recipes.md"
DOMAIN, CLIENT = "client.example", "acme"
LIFE = ["registered", "verified", "at_risk", "restored", "removed"]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


class Targets:
    """Everything the page's sections lead to, and the sections themselves with our addresses in them."""

    def __init__(self, folder):
        self.folder = folder
        self.hook = Receiver(folder).__enter__()
        self.aws = AwsStandin()
        self.redis = RedisServer(tls=self.hook.authority.issue("redis", ["127.0.0.1"]), users=["sesverify on >word ~platform:* resetchannels -@all +xadd +role +ping"
                                                   " +select +client|setname"]).__enter__()
        self.printed = None

    def close(self):
        self.hook.__exit__(None, None, None)
        self.aws.__exit__(None, None, None)
        self.redis.close()

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)

    def program(self):
        (text,) = blocks("python")
        path = self.folder / "on-domain-event"
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def configuration(self):
        at = f"https://127.0.0.1:{self.hook.port}"
        ours = {
            r"https://events\.pagerduty\.com": at,
            r"https://alertmanager\.internal:9093": at,
            r"rediss://sesverify@redis\.internal:6380": f"rediss://sesverify@127.0.0.1:{self.redis.tls_port}",
            r"/etc/sesverify/pagerduty\.key": self.secret("pagerduty.key", "0123456789abcdef0123456789abcdef"),
            r"/etc/sesverify/slack\.url": self.secret("slack.url", at + "/services/T00000000/B00000000/" + "X" * 24),
            r"/etc/sesverify/platform-redis\.password": self.secret("platform-redis.password", "word"),
            r"/etc/sesverify/internal-ca\.pem": self.hook.authority.pem,
            r"ports = 9093\n|allow_addresses = 10\.0\.0\.0/8\n": "",
            r"/usr/local/bin/on-domain-event": self.program(),
            r"(url = https://127.*\n|secret_file = .*slack\.url\n)": rf"\1ports = {self.hook.port}\nallow_addresses = 127.0.0.1\n",
        }
        text = ""
        for block in blocks("ini"):
            for pattern, replacement in ours.items():
                block, _ = re.subn(pattern, replacement, block)
            if "kind = webhook" in block and "ca_file" not in block:
                block += f"ca_file = {self.hook.authority.pem}\n"
            text += block + "\n"
        assert ".internal" not in text and "/etc/sesverify/" not in text
        path = self.folder / "sesverify.conf"
        path.write_text(text)
        return str(path)

    def posted(self, path):
        return [message.event for message in self.hook.taken if message.path.startswith(path)]

    def at_aws(self, service):
        return [json.loads(taken.message) for taken in self.aws.taken if taken.service == service]


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """One domain's life with a record that is lost and found again, as each target saw it."""
    targets = Targets(tmp_path_factory.mktemp("recipes"))
    try:
        with World() as world:
            config = ("--config", targets.configuration())
            worker = world.start_worker(args=config, SESVERIFY_LOG_LEVEL="debug", **targets.aws.environment())
            world.push("register", CLIENT, DOMAIN)
            records = world.wait_event("registered", DOMAIN)["data"]["dns_records"]
            world.publish(DOMAIN, records)
            world.wait_event("verified", DOMAIN)
            dkim = next(i for i, record in enumerate(records) if record["type"] == "CNAME")
            world.publish(DOMAIN, records, without=[dkim])
            world.wait_event("at_risk", DOMAIN)
            world.publish(DOMAIN, records)
            world.wait_event("restored", DOMAIN)
            world.push("remove", CLIENT, DOMAIN)
            world.wait_event("removed", DOMAIN)
            targets.all = world.events()
            everywhere = [lambda: targets.at_aws("sqs"), lambda: targets.at_aws("sns"), lambda: targets.at_aws("events"),
                          lambda: targets.redis.client().xrange("platform:domain-events")]
            wait_for(lambda: all(len(seen()) >= len(world.events()) for seen in everywhere), "all events everywhere", DEADLINE_S)
            wait_for(lambda: targets.posted("/services") and "given back" in targets.posted("/services")[-1]["text"],
                     "the last message at Slack", DEADLINE_S)
            targets.all = world.events()
            targets.shown = [world.command(*words, *config).stdout for words in (
                ("sinks", "list"), ("sinks", "list", "--json"), ("config", "show"), ("config", "show", "--json"))]
            targets.log = worker.text()
        yield targets
    finally:
        targets.close()


def kinds(events):
    return [event["type"].split(".")[3] for event in events if ".domain." in event["type"]]


@pytest.mark.parametrize("service", ["sns", "sqs", "events"])
def test_every_event_is_at_aws(lived, service):
    seen = lived.at_aws(service)
    assert {event["id"] for event in seen} == {event["id"] for event in lived.all}
    assert [kind for kind in kinds(seen) if kind != "updated"] == LIFE
    assert all(taken.signed for taken in lived.aws.taken)
    if service != "events":
        assert all(taken.attributes()["client_id"] == CLIENT for taken in lived.aws.taken if taken.service == service)


def test_the_queue_keeps_the_order_of_the_domain(lived):
    groups = {taken.fields["MessageGroupId"] for taken in lived.aws.taken
              if taken.service == "sqs" and ".domain." in taken.message}
    assert groups == {lived.all[0]["data"]["domain_id"]}


def test_every_event_is_in_the_other_redis(lived):
    entries = lived.redis.client(decode_responses=False).xrange("platform:domain-events")
    assert [kind for kind in kinds(json.loads(fields[b"event"]) for _, fields in entries) if kind != "updated"] == LIFE


def test_the_program_got_what_it_asked_for(lived):
    assert re.findall(rf"^{re.escape(DOMAIN)} (\w+)$", lived.log, re.MULTILINE) == ["verified"]


def test_every_event_is_printed(lived):
    lines = [json.loads(line) for line in lived.log.splitlines() if line.startswith("{")]
    printed = [line for line in lines if "specversion" in line]
    assert {event["id"] for event in printed} == {event["id"] for event in lived.all}


def test_pagerduty_is_opened_and_closed(lived):
    seen = lived.posted("/v2/enqueue")
    assert [it["event_action"] for it in seen] == ["trigger", "resolve"]
    assert len({it["dedup_key"] for it in seen}) == 1
    assert {it["routing_key"] for it in seen} == {"0123456789abcdef0123456789abcdef"}
    assert seen[0]["payload"]["custom_details"]["finding"].startswith("dkim_")


def test_slack_tells_the_story(lived):
    texts = [it["text"] for it in lived.posted("/services")]
    assert [re.sub(rf"^{re.escape(DOMAIN)} ", "", text) for text in texts] == [
        "is verified: mail may be sent", "may soon stop sending", "is well again", "was given back by its client"]


def test_alertmanager_is_opened_and_closed(lived):
    seen = lived.posted("/api/v2/alerts")
    assert [[alert["endsAt"] > alert["startsAt"] for alert in alerts] for alerts in seen] == [[True, False], [False, False]]
    assert seen[0][0]["labels"]["domain"] == DOMAIN and seen[0][0]["labels"]["client_id"] == CLIENT


def test_no_secret_is_in_the_log_or_shown(lived):
    assert all("slack" in text for text in lived.shown)
    for secret in ("0123456789abcdef0123456789abcdef", "XXXXXXXXXXXXXXXX"):
        assert secret not in lived.log
        assert all(secret not in text for text in lived.shown)
