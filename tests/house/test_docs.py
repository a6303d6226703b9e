"""What docs/ and README.md say is what the program does: every word of the contract is told, every told word exists.

`python3 tests/house/test_docs.py --write` renews the generated parts (between `<!-- generated: NAME -->` and `<!-- end -->`)."""
import json
import os
import pathlib
import re
import subprocess
import sys

import log_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SV_BINARY_DIR", ROOT / "build" / "debug"))
DOCS = {path.name: path for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
GENERATED = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.S)


def source(path):
    return (ROOT / path).read_text()


def told(name):
    return DOCS[name].read_text()


def program(*words):
    done = subprocess.run([str(BUILD / "worker" / "sesverify"), *words], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"]})
    return done.stdout or done.stderr


# --- what the code says ---

def words_of(path, table):
    """The strings of one table in C: `static const char *const NAME[...] = { ... };`."""
    body = re.search(r"\b" + table + r"\[[A-Z_]*\] = \{(.*?)\};", source(path), re.S).group(1)
    return set(re.findall(r'"([a-z_]+)"', body))


def strings_near(path, pattern):
    """Every word-like string in the pieces of a file that match."""
    return {word for piece in re.findall(pattern, source(path), re.S) for word in re.findall(r'"([a-z_]+)"', piece)}


def calls(path, function):
    """The arguments of every call of a function in one file."""
    return log_table.calls(source(path), function)


def job_reasons():
    found = strings_near("lib/drive/job.c", r"fail\(&?reader, \"[a-z_]+\"|reason = [^;]*;")
    found |= strings_near("lib/drive/intake.c", r"reason = [^;]*;|return \"[a-z_]+\";")
    found |= {call[3].strip(' "') for call in calls("lib/drive/provision.c", "give_up") if '"' in call[3]}
    found |= strings_near("lib/drive/provision.c", r"char overlap\[\] = [^;]*;")
    found |= strings_near("lib/drive/commit.c", r"[^_]reason = [^;]*;")
    for script in (ROOT / "lib/adapt/store/lua").rglob("*.lua"):
        found |= set(re.findall(r"""finish\('rejected', '([a-z_]+)'""", script.read_text()))
        for pair in re.findall(r"""\breason = '([a-z_]+)'|'reason', '([a-z_]+)'|"reason":"([a-z_]+)""", script.read_text()):
            found |= set(filter(None, pair))
    return found


def outcomes():
    found = strings_near("lib/drive/commit.c", r"static const char \*outcome\(.*?\n\}")
    found |= {call[2].strip(' "') for call in calls("lib/drive/provision.c", "give_up") if '"' in call[2]}
    found |= set(re.findall(r"finish\('([a-z_]+)'", source("lib/adapt/store/lua/admit.lua")))
    return found


def findings():
    """code -> (severity, advice), in the order of the catalogue."""
    advice = {}
    for word, text in re.findall(r'\[(SV_F_\w+)\] =\s*((?:"(?:[^"\\]|\\.)*"\s*)+),', source("lib/auth/advice.c")):
        advice[word] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace('\\"', '"')
    codes = re.findall(r'X\((SV_F_\w+), "(\w+)", SV_(\w+)\)', re.sub(r"\\\n\s*", "", source("include/sv/finding_codes.h")))
    return {code: (severity.lower(), advice[word]) for word, code, severity in codes}


def settings():
    """(section, key) -> (text, range, default), from `config defaults`."""
    out, section, comments = {}, None, []
    for line in program("config", "defaults").splitlines():
        header = re.match(r"(?:# )?\[([a-z]+)(?: default| NAME)?\]$", line)
        entry = re.match(r"(?:# )?(?:not in this file: )?([a-z_]+) =(?: (.*))?$", line)
        if header:
            section, comments = header.group(1), []
        elif entry and section and comments:
            out[section, entry.group(1)] = (" ".join(comments[:-1]), comments[-1].strip("()"), entry.group(2) or "")
            comments = []
        elif line.startswith("# "):
            comments.append(line[2:])
        else:
            comments = []
    return out


def exit_codes():
    return dict(re.findall(r"SV_EXIT_([A-Z_]+) = (\d+)", source("worker/exit.h")))


def commands():
    text = program("--help").split("Commands:\n")[1].split("\n\n")[0]
    return dict(re.split(r"  +", line.strip(), maxsplit=1) for line in text.splitlines())


# --- what the documents say ---

def section(name, title):
    """The text under one heading, up to the next of the same or a higher level."""
    match = re.search(r"^(#+) " + re.escape(title) + r"\n(.*?)(?=^#{1,2} |\Z)", told(name), re.S | re.M)
    assert match, f"{name} has no section {title}"
    return match.group(2)


def first_cells(name, title):
    """The words in backticks of the first column of every table under a heading."""
    rows = re.findall(r"^\| (.*?) \|", section(name, title), re.M)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def compare(name, title, real):
    shown = first_cells(name, title)
    assert shown == set(real), f"{name}, {title}: missing {set(real) - shown}, invented {shown - set(real)}"


CONTRACT = "jobs-and-events.md"


def test_statuses():
    compare(CONTRACT, "Statuses", words_of("lib/core/domain_words.c", "statuses") - {"new"})
    compare("README.md", "Statuses", words_of("lib/core/domain_words.c", "statuses") - {"new"})


def test_conclusions():
    compare(CONTRACT, "Conclusions", words_of("lib/core/domain_words.c", "conclusions"))


def test_why_nothing_could_be_told():
    compare(CONTRACT, "Why nothing could be told", words_of("include/sv/untold.h", "names") - {""})


def test_reasons_of_moves():
    compare(CONTRACT, "Reasons of an event", words_of("lib/core/domain_words.c", "reasons") - {"none"})


def test_event_types():
    kinds = words_of("lib/core/domain_words.c", "kinds_of_news") - {"none"}
    real = {f"io.sesverify.domain.{kind}.v1" for kind in kinds} | {"io.sesverify.job.finished.v1"}
    compare(CONTRACT, "Event types", real)
    compare("README.md", "Events", real)


def test_job_outcomes_and_reasons():
    compare(CONTRACT, "Outcomes", outcomes())
    compare(CONTRACT, "Reasons of an answer", job_reasons())


def test_axes():
    compare(CONTRACT, "Axes", strings_near("lib/base/axis.c", r"\w+\[SV_AXIS_COUNT\] = \{.*?\};"))


def test_fields_of_a_job():
    read = set(re.findall(r'(?:read_text|read_bool)\(&?reader, "([a-z_]+)"', source("lib/drive/job.c")))
    read |= set(re.findall(r'json_object_get\(reader->object, "([a-z_]+)"\)', source("lib/drive/job.c")))
    compare(CONTRACT, "Fields of a job", read)
    compare("README.md", "Jobs", read)
    assert set(schema("job")["properties"]) == read


def schema(name):
    return json.loads(source(f"docs/schemas/{name}.schema.json"))


def members(function):
    """The JSON members that one function of cloudevent.c writes, or lists."""
    body = re.search(r"^[^\n;]*\b" + function + r"\(.*?^\}", source("lib/drive/cloudevent.c"), re.S | re.M).group(0)
    return set(re.findall(r'(?:sv_json_set\w*\(\s*\w+, |set_known\(\s*\w+, |\{)"([a-z_]+)"', body))


def test_fields_of_an_event():
    envelope = members("envelope")
    data = members("domain_data") | members("add_state") | members("add_findings") | members("add_records") | members("list_flags")
    compare(CONTRACT, "Envelope", envelope | {"sequence", "epoch", "datacontenttype", "traceparent", "data"})
    compare(CONTRACT, "Data of a domain event", data)
    compare(CONTRACT, "Flags", members("list_flags"))
    compare(CONTRACT, "Mail", members("sv_json_mail"))
    compare(CONTRACT, "DNS records", members("sv_json_record"))
    compare(CONTRACT, "Findings", members("sv_json_finding") | {f"evidence.{m}" for m in members("sv_json_evidence")})
    answer = members("job_event") - {"datacontenttype", "traceparent", "data"} | members("sv_cloudevent_job_finished")
    compare(CONTRACT, "Data of an answer", answer | {"retry_at", "error"})
    assert set(schema("domain-event")["properties"]["data"]["properties"]) == data
    assert set(schema("job-finished")["properties"]["data"]["properties"]) == answer | {"retry_at", "error"}


def test_schemas_have_every_word():
    data = schema("domain-event")["properties"]["data"]["properties"]
    table = "lib/core/domain_words.c"
    assert set(data["to"]["enum"]) == words_of(table, "statuses") - {"new"}
    assert set(data["conclusion"]["enum"]) == words_of(table, "conclusions")
    assert set(data["reason"]["enum"]) == words_of(table, "reasons") - {"none"}
    assert set(schema("domain-event")["$defs"]["reputation"]["enum"]) == words_of("lib/core/reputation.c", "names")
    assert first_cells("jobs-and-events.md", "Reputation") == words_of("lib/core/reputation.c", "names")
    assert set(schema("domain-event")["$defs"]["mail"]["required"]) == members("sv_json_mail")
    assert schema("domain-event")["$defs"]["finding"]["properties"]["code"]["enum"] == list(findings())
    answer = schema("job-finished")["properties"]["data"]["properties"]
    assert set(answer["reason"]["enum"]) == job_reasons()
    assert set(answer["outcome"]["enum"]) == outcomes()


def test_schemas_of_commands_have_every_word():
    table = "lib/core/domain_words.c"
    explain, status, check = (schema(name)["properties"] for name in ("explain", "status", "check"))
    assert set(status["status"]["enum"]) == words_of(table, "statuses")
    assert set(explain["status"]["enum"]) == words_of(table, "statuses") - {"removed"}
    for enum in (explain["conclusion"], status["conclusion"], explain["changes"]["items"]["properties"]["conclusion"]):
        assert set(enum["enum"]) == words_of(table, "conclusions")
    assert first_cells("dns.md", "Verdict of Amazon, verdict of DNS") == words_of(table, "conclusions")
    spf = check["spf"]["anyOf"][1]["properties"]
    assert set(spf["for_ses"]["enum"]) == returned("lib/auth/spf.c", "sv_spf_result_name")
    dmarc = check["dmarc"]["anyOf"][1]["properties"]
    assert set(dmarc["asked"]["items"]["properties"]["found"]["enum"]) == returned("lib/auth/dmarc_walk.c", "sv_dmarc_found_name")
    assert set(dmarc["now"]["properties"]["policy"]["enum"]) == returned("lib/auth/dmarc_walk.c", "sv_dmarc_policy_name")
    assert set(check["bulk"]["properties"]["conditions"]["properties"]) == returned("lib/auth/bulk.c", "sv_bulk_condition_name")
    evidence = schema("domain-event")["$defs"]["evidence"]["properties"]
    assert set(evidence["outcome"]["enum"]) == returned("lib/base/rr.c", "sv_dns_outcome_name")
    assert set(evidence["trouble"]["enum"]) - {None} == returned("lib/base/rr.c", "sv_dns_trouble_name")


def returned(path, function):
    """The words a function of names returns."""
    body = re.search(r"\b" + function + r"\(.*?^\}", source(path), re.S | re.M).group(0)
    return set(re.findall(r'return "([^"]+)"', body)) - {"none"} | ({"none"} if "_NONE" in body else set())


def test_exit_codes():
    real = set(exit_codes().values())
    assert first_cells("running.md", "Exit codes") == real


def log_rows():
    """(event, levels, meaning) of the table in running.md."""
    return [(name, re.split(r", | or ", levels), meaning) for name, levels, meaning in
            re.findall(r"^\| `([a-z_]+)` \| ([a-z, ]+) \| (.*) \|$", section("running.md", "Log events"), re.M)]


def test_log_events():
    real = log_table.read()
    compare("running.md", "Log events", real)
    for name, levels, _ in log_rows():
        assert sorted(levels) == sorted(real[name][0]), f"{name}: {levels} in running.md, {real[name][0]} in the source"
    compare("logs.md", "Events", real)


def test_fields_of_the_log():
    """What several events have is explained once; every explained field is written."""
    fields = [field for _, fields in log_table.read().values() for field in fields]
    explained = first_cells("logs.md", "Fields")
    assert explained <= {*fields, *log_table.ALWAYS}, explained - {*fields, *log_table.ALWAYS}
    shared = {field for field in fields if fields.count(field) > 2} | set(log_table.ALWAYS)
    assert shared <= explained, f"not explained in logs.md: {shared - explained}"


def test_commands():
    compare("README.md", "Commands", commands())
    assert set(re.findall(r"^## sesverify (.+)$", told("commands.md"), re.M)) == set(commands())


def test_what_the_doctor_finds():
    rows = re.findall(r"^ +X\([A-Z_]+, (\d+), (true|false), \"([a-z_]+)\"\)", source("worker/doctor.h"), re.M)
    assert len(rows) > 40
    compare("invariants.md", "Findings", {word for _, _, word in rows})
    for number, fault, word in rows:
        [told_number, meaning] = re.search(rf"^\| `{word}` \| (\d*) ?\| (.*) \|$", told("invariants.md"), re.M).groups()
        assert told_number == number.strip("0") or told_number == number, word
        assert meaning.startswith("warning:") == (fault == "false"), word


def options_in_source():
    found = set()
    for path in (ROOT / "worker").glob("*.c"):
        for body in re.findall(r"struct sv_option \w+\[\] = \{(.*?)\};", path.read_text(), re.S):
            found |= set(re.findall(r'\{"([a-z-]+)",', body))
    return found


def test_everything_is_in_the_manual():
    """Options, keys, metrics, log events and exit codes as the source has them, whatever --help and `config defaults` say."""
    options = options_in_source()
    missing = {f"--{name}" for name in options if not re.search(rf"^  --{name}\b", told("commands.md"), re.M)}
    keys = set(re.findall(r'^ +\{"([a-z]+)", "([a-z_]+)",\s+SV_SETTING_', source("worker/config_table.c"), re.M))
    shown = {(head, key) for head, body in re.findall(r"^### \[([a-z]+)(?: NAME)?\]\n(.*?)(?=^#|\Z)", told("configuration.md"), re.S | re.M)
             for key in re.findall(r"^\| `([a-z_]+)` \|", body, re.M)}
    missing |= {f"{head}.{key}" for head, key in keys - shown}
    names = {name for _, name, _, _ in metrics()}
    missing |= {name for name in names if f"| `{name}` |" not in told("running.md")}
    events, codes = set(log_table.read()), set(exit_codes().values())
    missing |= {name for name in events if f"| `{name}` |" not in told("logs.md")}
    missing |= {code for code in codes if f"| `{code}` |" not in told("running.md")}
    assert len(options) > 30 and len(keys) >= 80 and len(names) > 30 and len(events) > 90 and len(codes) > 10
    assert not missing, f"not in the manual: {sorted(missing)}"
    assert shown == keys, f"no such keys: {shown - keys}"
    print(f"{len(commands())} commands, {len(options)} options, {len(keys)} keys, {len(names)} metrics, {len(events)} events of the log "
          f"and {len(codes)} exit codes are in the manual")


def test_settings_named_anywhere_exist():
    known = {f"{s}.{k}" for s, k in settings()}
    heads = {s for s, _ in settings()}
    for name, path in DOCS.items():
        for word in re.findall(r"`([a-z]+\.[a-z_]+)`", path.read_text()):
            if word.split(".")[0] in heads and word.split(".")[0] not in ("account", "sink"):
                assert word in known or word.endswith(".md"), f"{name} speaks of {word}, which is no setting"


def test_IAM_actions():
    used = set(re.findall(r'return "([A-Z]\w+)";', source("include/sv/ses.h")))
    policy = json.loads(re.search(r"```json\n(\{\s*\"Version\".*?)```", told("README.md"), re.S).group(1))
    assert set(policy["Statement"][0]["Action"]) == {f"ses:{name}" for name in used}


def test_links_lead_somewhere():
    for name, path in DOCS.items():
        for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{name}: {target}"


def test_readme_of_the_store():
    text = source("lib/adapt/store/README.md")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| (yes|no) \|", text, re.M)
    scripts = {path.stem: "yes" if re.search("allow-oom|no-writes", path.read_text().splitlines()[0]) else "no"
               for path in (ROOT / "lib/adapt/store/lua").glob("*.lua")}
    assert dict(rows) == scripts
    ours = re.search(r"string\.gmatch\('([a-z ]+)', '%S\+'\)", source("lib/adapt/store/lua/shared/ours.lua")).group(1).split()
    fields = re.search(r"## Fields of a domain\n(.*?)\n## ", text, re.S).group(1)
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", fields, re.M)))) == set(ours) | {"todo"}
    for counter in strings_counted():
        assert f"`{counter}`" in text, counter


def strings_counted():
    found = set()
    for path in (ROOT / "lib/adapt/store/lua").rglob("*.lua"):
        found |= set(re.findall(r"HINCRBY', counters, '([a-z_]+)',", path.read_text()))
    return found - {"status_new"}


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from references(item)


def test_asyncapi():
    api = json.loads(source("docs/asyncapi.json"))
    assert api["info"]["version"] == re.search(r"^sesverify (\S+)", program("--version")).group(1)
    for reference in references(api):
        place = api
        if not reference.startswith("#/"):
            assert (ROOT / "docs" / reference).exists(), reference
            continue
        for step in reference[2:].split("/"):
            place = place[step]
    assert {r for r in references(api) if r.startswith("schemas/")} == \
        {f"schemas/{name}.schema.json" for name in ("job", "domain-event", "job-finished")}


# --- generated parts ---

def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def cell(text):
    return text.replace("|", "\\|")


def generate_findings():
    out = row("code", "severity", "advice") + "|---|---|---|\n"
    return out + "".join(row(f"`{code}`", severity, cell(advice)) for code, (severity, advice) in findings().items())


def metrics():
    """(name, kind, labels, help) in the order of the table."""
    text = re.sub(r"\\\n\s*", "", re.search(r"#define SV_METRIC_MAP\(X\)(.*?)\nenum", source("include/sv/metrics.h"), re.S).group(1))
    return re.findall(r'X\(\w+, (\w+), "(\w+)", "([\w,]*)",\s*"([^"]*)"\)', text)


def generate_schemas():
    out = row("what", "schema") + "|---|---|\n"
    for path in sorted((ROOT / "docs/schemas").iterdir()):
        out += row(json.loads(path.read_text())["title"], f"[{path.name.split('.')[0]}](schemas/{path.name})")
    return out


def generate_logs():
    real = log_table.read()
    out = row("event", "level", "fields", "meaning, and what to do") + "|---|---|---|---|\n"
    for name, _, meaning in sorted(log_rows()):
        levels, fields = real[name]
        shown = "all counters" if fields == ["*"] else ", ".join(f"`{field}`" for field in fields)
        out += row(f"`{name}`", ", ".join(levels), shown, meaning)
    return out


def generate_metrics():
    kinds = {"SWIFT": "histogram", "SLOW": "histogram"}
    out = row("metric", "type", "labels", "meaning") + "|---|---|---|---|\n"
    for kind, name, labels, text in metrics():
        shown = ", ".join(f"`{label}`" for label in labels.split(",")) if labels else ""
        out += row(f"`{name}`", kinds.get(kind, kind.lower()), shown, cell(text))
    return out


def generate_settings():
    out, last = "", None
    for (head, key), (text, kind, default) in settings().items():
        if head != last:
            title = f"[{head} NAME]" if head in ("account", "sink") else f"[{head}]"
            out += f"\n### {title}\n\n" + row("key", "default", "type and range", "reloadable", "meaning") + "|---|---|---|---|---|\n"
            last = head
        reloadable = "reloadable" in kind
        kind = re.sub(r"; reloadable$", "", kind)
        out += row(f"`{key}`", f"`{default}`" if default else "empty", cell(kind), "yes" if reloadable else "no", cell(text))
    return out + "\n"


def generate_commands():
    out = ""
    for name in commands():
        text = program(*name.split(), "--help").strip()
        out += f"\n## sesverify {name}\n\n```text\n{text}\n```\n"
    return out + "\n"


TRUTH = ROOT / "tests/integration/truth"


def wire_cases():
    """code -> the text of its case in the table of the proof on the wire."""
    out = {}
    for path in sorted((TRUTH / "cases").glob("*.py")):
        table = path.read_text().split("\nCASES = {\n", 1)[1]
        for code, text in re.findall(r'^    "(\w+)": (.*?)(?=^    "\w+": |^\})', table, re.S | re.M):
            out[code] = text
    return out


def how_on_the_wire(text):
    if '"via"' in text:
        return "`" + re.search(r'"via": "(\w+\.py)"', text).group(1) + "`: worker and SES sandbox"
    scripted = [word for word, sign in (("scripted server", r'"s1"|"notcp"|"below"'), ("lying resolver", r'"lies"')) if re.search(sign, text)]
    return "not yet: " + re.search(r'"pending": "(.*?)"', text).group(1) if '"pending"' in text else " and ".join(scripted) or "nsd and unbound"


def unit_cases():
    """code -> where its case without a wire is: file and name."""
    out = {}
    for path in sorted((ROOT / "tests/unit/auth").glob("test_judge_*.c")):
        for case in re.findall(r'\.name =\s+"(\w+)"', path.read_text()):
            out.setdefault(case, path.name)
    return out


def generate_proof():
    out = row("code", "test on the wire", "with", "test of the judge alone") + "|---|---|---|---|\n"
    wire, unit = wire_cases(), unit_cases()
    for code in findings():
        case = min((name for name in unit if name == code or name.startswith(code + "_")), key=len, default=None)
        test = f"`test_{code}`" if '"via"' in wire[code] else f"`test_code[{code}]`"
        out += row(f"`{code}`", test, how_on_the_wire(wire[code]), f"`{unit[case]}`: `{case}`" if case else "`test_drive_looks.c`")
    return out


def generate_planning():
    done = subprocess.run([str(BUILD / "tests/sim/plan/sv_plan_sim"), "--short"], capture_output=True, text=True, check=True)
    return "\n" + done.stdout + "\n"


GENERATORS = {"findings": generate_findings, "logs": generate_logs, "metrics": generate_metrics, "planning": generate_planning, "proof": generate_proof, "schemas": generate_schemas, "settings": generate_settings, "commands": generate_commands}


def test_generated_parts_are_fresh():
    seen = set()
    for name, path in DOCS.items():
        for _, kind, text, _ in GENERATED.findall(path.read_text()):
            seen.add(kind)
            assert text == GENERATORS[kind](), f"{name}: run python3 tests/house/test_docs.py --write"
    assert seen == set(GENERATORS)


def test_every_finding_is_proved_on_the_wire():
    compare("findings-proof.md", "The table", findings())
    assert set(wire_cases()) == set(findings())
    assert "def test_dkim_ses_pending(" in (TRUTH / "test_steady.py").read_text()


def test_every_finding_is_told():
    compare("findings.md", "The catalogue", findings())


def write():
    for path in DOCS.values():
        text = path.read_text()
        fresh = GENERATED.sub(lambda m: m.group(1) + GENERATORS[m.group(2)]() + m.group(4), text)
        if fresh != text:
            path.write_text(fresh)
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    write()
