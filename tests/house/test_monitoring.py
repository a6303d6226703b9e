"""Alert rules, their tests, the runbook and the dashboard speak of metrics and alerts that exist, and of all of them."""
import json
import pathlib
import re
import subprocess

import test_docs

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/sesverify.rules.yml"
DASHBOARD = ROOT / "deploy/grafana/sesverify.json"
RUNBOOK = ROOT / "docs/alerts.md"

KINDS = {name: kind for kind, name, _, _ in test_docs.metrics()}
LABELS = {name: set(labels.split(",")) if labels else set() for _, name, labels, _ in test_docs.metrics()}


def series():
    """Every name a scrape can hold."""
    for name, kind in KINDS.items():
        if kind in ("SWIFT", "SLOW"):
            yield from (name + suffix for suffix in ("_bucket", "_sum", "_count"))
        else:
            yield name


def used(expression):
    """(metric, labels in its selector) of an expression."""
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector)))
            for name, selector in re.findall(r"\b((?:sesverify|process)_\w+)(?:\{([^}]*)\})?", expression)]


def check(expression):
    known = set(series())
    for name, labels in used(expression):
        assert name in known, f"{name} is no metric: {expression}"
        family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in KINDS else name
        assert labels <= LABELS[family] | {"job", "instance", "le"}, f"{name} has no label of {labels}: {expression}"


def alerts():
    return re.findall(r"- alert: (\w+)\n\s+expr: (.*)\n", RULES.read_text())


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules():
    promtool("check", "rules", RULES)
    assert len(alerts()) >= 15
    for _, expression in alerts():
        check(expression)


def test_rules_ring_when_they_should():
    promtool("test", "rules", RULES.with_suffix(".test.yml"))
    tested = RULES.with_suffix(".test.yml").read_text()
    for name, _ in alerts():
        assert re.search(rf"alertname: {name}(?:,|\s)[^\n]*(?:\n\s+)?exp_alerts", tested), f"no test in which {name} rings"
        assert re.search(rf"alertname: {name}\}}", tested), f"no test in which {name} is silent"


def test_every_alert_has_a_runbook():
    headings = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.M)
    assert headings == [name for name, _ in alerts()]
    for name, link in re.findall(r"- alert: (\w+).*?runbook: (\S+)", RULES.read_text(), re.S):
        assert link == f"docs/alerts.md#{name.lower()}"


def test_dashboard():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    for expression in expressions:
        check(expression)
    shown = {name for expression in expressions for name, _ in used(expression)}
    shown |= {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    left_out = set(KINDS) - shown - {"sesverify_job_duration_seconds", "sesverify_delayed_due", "sesverify_measured_timestamp_seconds",
                                     "process_start_time_seconds"}
    assert not left_out, f"the dashboard shows nothing of {left_out}"


def test_dashboard_queries_parse(tmp_path):
    """As Prometheus reads them: each as the expression of a recording rule."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    rules = [{"record": f"panel:{i}", "expr": target["expr"]}
             for i, target in enumerate(t for panel in panels for t in panel.get("targets", []))]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)
