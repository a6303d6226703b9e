"""The summary of the long counts is the program's own, and says what was wrong in a run that was."""
import json
import pathlib
import runpy
import threading
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
NIGHT = runpy.run_path(str(ROOT / "tests" / "night"), run_name="night")


def test_summary_is_what_the_counts_say():
    state = json.loads((ROOT / "tests" / "night.json").read_text())
    assert (ROOT / "docs" / "night.md").read_text() == NIGHT["summary"](state), "tests/night writes docs/night.md, nobody else"


def test_rows_and_sums():
    state = {"kills": {"done": 1050, "wanted": 1000, "unit": "kills", "found": [], "seconds": 7, "commit": "abc", "counts": {"gaps": 0}},
             "a fuzzer": {"done": 3, "wanted": 4000, "unit": "executions", "found": ["see x", "see y"], "seconds": 1, "commit": "def"}}
    lines = NIGHT["summary"](state).splitlines()
    assert [line for line in lines if line.startswith(("| a", "| k", "- "))] == [
        "| a fuzzer | 3 of 4,000 executions | see x; see y | 1 | `def` |",
        "| kills | 1,050 of 1,000 kills | nothing | 7 | `abc` |",
        "- kills: gaps 0"]


def test_fault_of_a_kill_run():
    fault_of = NIGHT["fault_of"]
    assert fault_of("seed 1\nnever settled: waited in vain for a | b\nkills 3\n") == "never settled: waited in vain for a / b"
    assert fault_of("kills 3\nwrong 2\n1 gaps\n2 conflicts\n") == "1 gaps"
    assert fault_of("kills 3\nwrong 0\nnot counted: no commit was fenced\n") == "not counted: no commit was fenced"
    assert fault_of("seed 1\nTraceback\n  File\nResponseError: CLUSTERDOWN\n") == "ResponseError: CLUSTERDOWN"
    assert fault_of("") == "nothing was said"


def counted_on(entry, fresh=False, again=False):
    """(done, found) with which an item of 100 goes on when the product is that of commit `now`."""
    night = object.__new__(NIGHT["Night"])
    night.lock, night.commit, night.fresh, night.again, night.state = threading.Lock(), "now", fresh, again, {"it": entry}
    went_on = night.entry(types.SimpleNamespace(name="it", unit="kills"), 100)
    return went_on["done"], went_on["found"]


def test_what_stays_counted():
    def entry(done, commit, *found):
        return {"done": done, "commit": commit, "found": list(found), "seconds": 1}
    assert counted_on(entry(50, "now")) == (50, [])
    assert counted_on(entry(50, "before")) == (0, []), "not finished, and the product is another"
    assert counted_on(entry(100, "before")) == (100, []), "finished"
    assert counted_on(entry(100, "before", "a gap")) == (0, []), "the mended product has it all before itself"
    assert counted_on(entry(50, "now", "a gap")) == (50, ["a gap"]), "stands still"
    assert counted_on(entry(50, "now", "a slow start"), again=True) == (50, [])
    assert counted_on(entry(100, "before"), fresh=True) == (0, [])


def test_a_kill_run_that_does_not_count_is_followed_by_another(monkeypatch, tmp_path):
    kills, seeds = NIGHT["Kills"]("k"), []
    codes = [2, 0] + [2] * NIGHT["UNCOUNTED_MOST"]

    def run(words, **_):
        seeds.append(words[words.index("--seed") + 1])
        told = 'counts {"kills": 50}\nwrong 0\nnot counted: no commit was fenced\n'
        return types.SimpleNamespace(returncode=codes[len(seeds) - 1], stdout=told, stderr="")
    scope = kills.piece.__globals__
    monkeypatch.setitem(scope, "subprocess", types.SimpleNamespace(run=run))
    monkeypatch.setitem(scope, "HOME", tmp_path)
    skipped = (0, "", {"runs that did not count": 1})
    assert kills.piece(0, 100) == skipped
    assert kills.piece(0, 100) == (50, "", {"kills": 50})
    assert [kills.piece(50, 100) for _ in codes[3:]] == [skipped] * len(codes[3:])
    assert kills.piece(50, 100)[1].startswith("not counted: no commit was fenced: "), "too many of them are a finding"
    assert seeds == ["1000", "1001"] + [str(1051 + n) for n in range(NIGHT["UNCOUNTED_MOST"])]


def test_every_item_can_be_made():
    items_of = NIGHT["items_of"]
    items_of.__globals__["build"] = lambda *_: None  # nothing is built here
    items = items_of(types.SimpleNamespace(fuzz=0, seeds=1, kills=1, domains=1, memory=1, only=""))
    names = {item.name for item, wanted in items if wanted > 0}
    counted = {name for name in json.loads((ROOT / "tests" / "night.json").read_text()) if not name.startswith("fuzz_")}
    assert len(names) == len(items) and counted <= names, counted - names
