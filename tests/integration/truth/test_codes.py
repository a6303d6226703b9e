"""Every code of the catalogue, produced by packets on the wire: real servers, or servers that lie by script."""
import concurrent.futures
import os
import re
import pathlib

import pytest

from dns_daemons import ask
from dns_lab import RESOLVERS
from table import CASES, Case, faults

ROOT = pathlib.Path(__file__).resolve().parents[3]
PARALLEL = 4


def catalogue():
    text = re.sub(r"\\\n\s*", "", (ROOT / "include/sv/finding_codes.h").read_text())
    return re.findall(r'X\(SV_F_\w+, "(\w+)"', text)


def publish(lab, cases):
    """First states, questions that plant them in caches, last states."""
    for case in cases:
        case.prepare(lab)
    lab.apply()
    for case in cases:
        for name, kind in case.primes():
            for resolver in case.get("resolvers", ("r1", "r2")):
                assert ask(RESOLVERS[resolver], name, kind, recursive=True, timeout=5) is not None, name
    for case in cases:
        if case.has_two_states():
            case.put(lab, case.get("zone", {}))
    lab.apply()


@pytest.fixture(scope="session")
def reports(lab, request):
    """code -> report (or the exception), for the cases this session runs."""
    wanted = [item.callspec.params["code"] for item in request.session.items if "code" in getattr(item, "callspec", DUMMY).params]
    cases = [Case(code) for code in wanted]
    publish(lab, cases)
    out = {}
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("SV_LAB_PARALLEL", PARALLEL))) as pool:
        running = {pool.submit(case.check, lab): case.code for case in cases}
        for done in concurrent.futures.as_completed(running):
            out[running[done]] = done.exception() or done.result()
    return out


class DUMMY:
    params = {}


@pytest.mark.parametrize("code", [code for code in CASES if "via" not in CASES[code]])
def test_code(code, reports):
    case = Case(code)
    report = reports[code]
    if isinstance(report, Exception):
        raise report
    found = faults(case, report)
    if case.get("pending"):
        assert found, "it is proved now: take the mark `pending` away"
        pytest.xfail(f"{case.get('pending')}: {found}")
    assert not found, "\n".join(found)


def test_the_table_has_every_code():
    assert sorted(CASES) == sorted(catalogue())
