"""How identities are set up, and what happens when somebody else changes them: the whole worker against the sandbox."""
import json
import subprocess

import pytest

from sandbox import wait_for
from world import World

DOMAIN = "client.example"


@pytest.fixture(name="world")
def make_world():
    with World() as world:
        yield world


def sets(**settings):
    return [part for key, value in settings.items() for part in ("--set", f"account.default.{key}={value}")]


def register(world, domain=DOMAIN, outcome="done", **fields):
    """The answer's data."""
    answer = world.wait_answer(world.push("register", "client-1", domain, **fields))["data"]
    assert answer["outcome"] == outcome, answer
    return answer


def remove(world, **fields):
    """The answer's data. One that falls into a look is answered `coalesced` at once; this one is asked for until it does not."""
    while True:
        answer = world.wait_answer(world.push("remove", "client-1", DOMAIN, delete_identity=True, **fields))["data"]
        if answer["outcome"] != "coalesced":
            return answer


def records_of(world, domain=DOMAIN):
    return world.wait_event("registered", domain)["data"]["dns_records"]


def identity(world, domain=DOMAIN, **where):
    return world.sandbox.client("sesv2", **where).get_email_identity(EmailIdentity=domain)


def verify(world, domain=DOMAIN):
    world.publish(domain, records_of(world, domain))
    return world.wait_event("verified", domain)


@pytest.fixture(name="key_file")
def make_key(tmp_path):
    path = tmp_path / "dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    path.chmod(0o600)
    return path


def test_a_key_of_the_operators_own(world, key_file):
    args = sets(dkim="byodkim", dkim_selector="sv1", dkim_key_file=key_file)
    worker = world.start_worker(args=args)
    register(world)
    dkim = records_of(world)[0]
    public = subprocess.run(["openssl", "rsa", "-in", key_file, "-pubout"], check=True, capture_output=True, text=True)
    body = "".join(line for line in public.stdout.splitlines() if not line.startswith("-"))
    assert (dkim["type"], dkim["name"]) == ("TXT", f"sv1._domainkey.{DOMAIN}")
    assert dkim["value"] == f"v=DKIM1; k=rsa; p={body}"
    assert [r["type"] for r in records_of(world)].count("CNAME") == 0
    assert identity(world)["DkimAttributes"]["SigningAttributesOrigin"] == "EXTERNAL"
    verify(world)
    shown = json.loads(world.command("records", DOMAIN, "--client", "client-1", "--json", *args).stdout)
    assert shown["dns_records"][0]["value"] == dkim["value"]
    # Lost, given up by SES, published again: restarted by the call for keys of one's own.
    world.publish(DOMAIN, records_of(world)[1:])
    failed = world.wait_event("failed", DOMAIN)
    world.publish(DOMAIN, records_of(world))
    world.wait_event("restored", DOMAIN, after=int(failed["sequence"]))
    assert world.sandbox.calls("PutEmailIdentityDkimSigningAttributes")["count"] > 0
    assert world.sandbox.calls("VerifyDomainDkim")["count"] == 0
    secret = "".join(line for line in key_file.read_text().splitlines() if not line.startswith("-"))
    told = worker.text() + json.dumps(world.events()) + world.command("config", "show", *args).stdout
    assert not [part for part in (secret[i:i + 24] for i in range(0, len(secret) - 24, 24)) if part in told]


@pytest.mark.parametrize("spoil, text", [
    (lambda path: path.chmod(0o644), "others cannot read"),
    (lambda path: path.write_text("no key"), "no private key"),
    (lambda path: path.unlink(), "cannot be read"),
])
def test_a_bad_key_file_is_told_at_start(world, key_file, spoil, text):
    spoil(key_file)
    args = sets(dkim="byodkim", dkim_selector="sv1", dkim_key_file=key_file)
    done = world.command("run", *args)
    assert done.returncode == 78 and text in done.stderr, (done.returncode, done.stderr)


def test_a_replica_has_the_records_of_its_parent(world):
    parent = world.sandbox.client("sesv2", region="us-east-1")
    made = parent.create_email_identity(EmailIdentity=DOMAIN)["DkimAttributes"]
    world.start_worker(args=[*sets(region="eu-west-1", dkim="deed", dkim_parent_region="us-east-1"),
                             "--set", "account.parent.region=us-east-1"])
    register(world)
    names = {r["name"] for r in records_of(world) if r["type"] == "CNAME"}
    assert names == {f"{token}._domainkey.{DOMAIN}" for token in made["Tokens"]}
    assert identity(world)["DkimAttributes"]["SigningAttributesOrigin"] == "AWS_SES_US_EAST_1"
    verify(world)
    # Its parent cannot be deleted before it; that has an answer of its own.
    adopted = world.wait_answer(world.push("adopt", "client-1", DOMAIN, account="parent"))["data"]
    assert adopted["outcome"] == "done" and adopted["identity_existed"] is True
    refused = remove(world, account="parent")
    assert (refused["outcome"], refused["reason"]) == ("dead", "identity_has_replicas")
    for account in ("default", "parent"):
        assert remove(world, account=account)["outcome"] in ("done", "rejected")  # rejected: a coalesced one did it
        source = f"/sesverify/{account}/"
        wait_for(lambda: any(e["source"].startswith(source) and ".removed." in e["type"]
                             for e in world.domain_events(DOMAIN)), f"the domain of {account} to be removed")
    assert world.sandbox.identity(DOMAIN, region="us-east-1") is None


def test_configuration_set_and_tags(world):
    world.start_worker(args=sets(configuration_set="clients", tags="client={client_id},domain={domain_id},team=mail"))
    missing = register(world, outcome="dead")
    assert missing["reason"] == "configuration_set_not_found"
    world.sandbox.control.post("/configuration-sets/clients")
    assert register(world)["identity_existed"] is False
    made = identity(world)
    assert made["ConfigurationSetName"] == "clients"
    uid = world.wait_event("registered", DOMAIN)["data"]["domain_id"]
    assert {t["Key"]: t["Value"] for t in made["Tags"]} == {"client": "client-1", "domain": uid, "team": "mail"}


def test_what_was_there_is_brought_to_the_settings(world):
    world.sandbox.control.post("/configuration-sets/clients")
    client = world.sandbox.client("sesv2")
    client.create_email_identity(EmailIdentity=DOMAIN)
    client.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain=f"old.{DOMAIN}")
    world.sandbox.advance(hours=1)  # older than the job
    world.start_worker(args=sets(configuration_set="clients"))
    assert register(world, mail_from="bounce", behavior_on_mx_failure="reject_message")["identity_existed"] is True
    assert world.wait_event("registered", DOMAIN)["data"]["identity_existed"] is True
    now = identity(world)
    assert now["ConfigurationSetName"] == "clients"
    assert now["MailFromAttributes"]["MailFromDomain"] == f"bounce.{DOMAIN}"
    assert now["MailFromAttributes"]["BehaviorOnMxFailure"] == "REJECT_MESSAGE"
    verify(world)


def test_a_full_account_says_so(world):
    world.sandbox.control.post("/account", {"identities_max": 1})
    world.start_worker()
    register(world)
    assert register(world, "second.example", outcome="rejected")["reason"] == "ses_identity_quota"
    world.sandbox.control.post("/account", {"identities_max": 2})
    register(world, "second.example")


def test_new_tokens_are_told_with_the_records(world):
    world.start_worker()
    register(world)
    verified = verify(world)
    old = {r["name"] for r in records_of(world)}
    world.sandbox.control.post(f"/identities/{DOMAIN}", {"renew_tokens": True})
    told = world.wait_event("updated", DOMAIN, after=int(verified["sequence"]),
                            where=lambda data: data["reason"] == "dns_records_changed")["data"]
    fresh = {r["name"] for r in told["dns_records"] if r["type"] == "CNAME"}
    assert len(fresh) == 3 and not fresh & old
    assert set(told["changed"]["dns_records"]["new"]) >= fresh
    world.publish(DOMAIN, told["dns_records"])
    wait_for(lambda: world.domain_events(DOMAIN)[-1]["data"]["conclusion"] == "all_good", "all to be good again")
    shown = json.loads(world.command("records", DOMAIN, "--client", "client-1", "--json").stdout)
    assert {r["name"] for r in shown["dns_records"]} >= fresh


def test_a_mail_from_that_is_switched_off_is_put_back(world):
    world.start_worker()
    register(world, mail_from="bounce")
    verify(world)
    right = world.wait_event("updated", DOMAIN, where=lambda data: data["mail_from_verified"] is True) \
        if not world.wait_event("verified", DOMAIN)["data"]["mail_from_verified"] else world.wait_event("verified", DOMAIN)
    after = int(right["sequence"])
    world.sandbox.client("sesv2").put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN)
    drifted = world.wait_event("updated", DOMAIN, after=after, where=lambda data: data["reason"] == "settings_drifted")
    assert drifted["data"]["drift"] == ["mail_from"] and drifted["data"]["axes"]["mail_from"] == "none"
    after = int(drifted["sequence"])
    world.wait_event("updated", DOMAIN, after=after, where=lambda data: data["reason"] == "settings_restored")
    world.wait_event("updated", DOMAIN, after=after, where=lambda data: data["mail_from_verified"] is True)
    assert identity(world)["MailFromAttributes"]["MailFromDomain"] == f"bounce.{DOMAIN}"
    explained = json.loads(world.command("explain", DOMAIN, "--client", "client-1", "--json").stdout)
    assert explained["drift"] == [] and explained["restarted_at"] is not None
