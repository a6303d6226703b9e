"""What recipients think of a domain's mail: judged by AWS's limits, told when one is crossed, and never a status."""
import contextlib
import json

import pytest

from bad_days import STEADY, logged, verify, wait_logged
from sandbox import wait_for
from world import DEADLINE_S, World

ON = {"SESVERIFY_ACCOUNT_DEFAULT_REPUTATION": "true", "SESVERIFY_ACCOUNT_DEFAULT_REPUTATION_EVERY": "500ms"}
NAME = "client.example"


@contextlib.contextmanager
def started(settings=None, vdm=True):
    with World(settings={**ON, **(settings or {})}, **STEADY) as world:
        world.sandbox.control.post("/account", {"vdm": vdm})
        world.worker = world.start_worker()
        yield world


@pytest.fixture(name="world", scope="module")
def make_world():
    with started() as world:
        verify(world, NAME)
        yield world


def mail(world, sent=1000, bounces=0, tracked=900, complaints=0, name=NAME):
    world.sandbox.control.post("/metrics", {"identity": name, "daily": {
        "SEND": sent, "PERMANENT_BOUNCE": bounces, "TRANSIENT_BOUNCE": 7,
        "DELIVERY_COMPLAINT": tracked, "COMPLAINT": complaints}})


def asked(world):
    return world.sandbox.calls("BatchGetMetricData")["count"]


def ask_more(world, times=3):
    """Waits until SES was asked that often again: by then an answer of before has been committed."""
    before = asked(world)
    wait_for(lambda: asked(world) >= before + times or None, f"{times} more calls for metrics", DEADLINE_S)


def status(world, name=NAME):
    done = world.command("status", name, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def wait_reputation(world, wanted, name=NAME):
    return wait_for(lambda: (lambda s: s["reputation"] == wanted and s)(status(world, name)), f"reputation {wanted}",
                    DEADLINE_S)


def last(world, name=NAME):
    return int(world.domain_events(name)[-1]["sequence"])


def crossed(world, wanted, after):
    event = world.wait_event("updated", NAME, after=after, where=lambda data: "reputation" in data["changed"])
    data = event["data"]
    assert data["reputation"] == data["changed"]["reputation"]["new"] == wanted, data["changed"]
    assert (data["from"], data["to"], data["reason"]) == ("verified", "verified", "changed")
    assert data["sending_enabled"] is True
    return data


def test_a_domain_without_mail_has_no_verdict(world):
    ask_more(world)
    told = status(world)
    assert told["reputation"] == "unknown"
    assert told["mail"]["sent"] == 0 and told["mail"]["bounce_rate"] is None


def test_healthy_is_no_news(world):
    before = last(world)
    mail(world)
    told = wait_reputation(world, "healthy")
    assert told["mail"]["sent"] == 7000 and told["mail"]["transient_bounces"] == 49 and told["mail"]["days"] == 7
    ask_more(world)
    assert last(world) == before


def test_limits_are_crossed_and_left_again(world):
    before = last(world)
    mail(world, bounces=60)
    data = crossed(world, "review", before)
    assert data["changed"]["reputation"]["old"] == "healthy"
    assert data["mail"]["permanent_bounces"] == 420 and abs(data["mail"]["bounce_rate"] - 0.06) < 1e-9
    before = last(world)
    mail(world, bounces=45)  # below the limit, not below 80 % of it
    ask_more(world)
    assert status(world)["reputation"] == "review" and last(world) == before
    mail(world, bounces=60, complaints=9)
    crossed(world, "pause_possible", before)
    shown = world.command("explain", NAME)
    assert "pause_possible" in shown.stdout and "6 %" in shown.stdout and "1 %" in shown.stdout, shown.stdout
    assert "pause_possible" in world.command("status", NAME).stdout
    before = last(world)
    mail(world)
    crossed(world, "healthy", before)
    assert world.command("explain", NAME, "--json").returncode == 0


def test_a_recommendation_with_high_impact_is_a_warning(world):
    before = last(world)
    world.sandbox.control.post("/recommendations", [
        {"identity": NAME, "type": "BOUNCE", "impact": "HIGH"}, {"identity": NAME, "type": "BIMI", "impact": "LOW"},
        {"identity": "other.example", "type": "COMPLAINT", "impact": "HIGH"}])
    data = crossed(world, "warning", before)
    assert data["mail"]["recommendations"] == ["BIMI", "BOUNCE"]
    before = last(world)
    world.sandbox.control.post("/recommendations", [])
    crossed(world, "healthy", before)


def test_partial_errors_move_nothing(world):
    mail(world, bounces=60)
    wait_reputation(world, "review")
    before = last(world)
    world.sandbox.control.post("/metrics", {"identity": NAME, "error": "INTERNAL_FAILURE"})
    ask_more(world)
    told = status(world)
    assert told["reputation"] == "review" and told["mail"]["sent"] == 7000
    assert last(world) == before and told["status"] == "verified"
    mail(world)
    crossed(world, "healthy", before)


def test_throttled_it_slows_down_and_nothing_else(world):
    before = last(world)
    world.sandbox.fault("status", action="BatchGetMetricData", status=429, code="TooManyRequestsException", count=2)
    mail(world, bounces=60)
    crossed(world, "review", before)
    before = last(world)
    mail(world)
    crossed(world, "healthy", before)


def test_without_vdm_it_is_told_once_and_asked_rarely():
    with started(vdm=False) as world:
        verify(world, NAME)
        wait_logged(world.worker, "reputation_unavailable")
        first = world.sandbox.calls("ListRecommendations")["count"]
        wait_for(lambda: world.sandbox.calls("ListRecommendations")["count"] >= first + 6 or None, "six more walks")
        assert len(logged(world.worker, "reputation_unavailable")) == 1
        assert asked(world) <= world.sandbox.calls("ListRecommendations")["count"] / 4 + 3
        assert not logged(world.worker, "ses_call_failed", level="warn")
        told = status(world)
        assert (told["status"], told["reputation"], told["mail"]) == ("verified", "unknown", None)
        assert [e["type"].split(".")[3] for e in world.domain_events(NAME)][-1] in ("verified", "updated")
        world.sandbox.control.post("/account", {"vdm": True})
        mail(world)
        wait_reputation(world, "healthy")
        wait_logged(world.worker, "reputation_available")


def test_off_by_default():
    with started({"SESVERIFY_ACCOUNT_DEFAULT_REPUTATION": "false"}) as world:
        verify(world, NAME)
        mail(world, bounces=500)
        looks = world.sandbox.calls("GetIdentityDkimAttributes")["count"]
        wait_for(lambda: world.sandbox.calls("GetIdentityDkimAttributes")["count"] >= looks + 4 or None, "more looks")
        assert asked(world) == 0 and world.sandbox.calls("ListRecommendations")["count"] == 0
        assert status(world)["reputation"] == "unknown"
