#!/usr/bin/python3
"""What was emitted in a whole test run and held against docs/schemas (lib/contract.py): `emitted.py begin` forgets the last run,
`emitted.py end` prints the counts. It fails when nothing was told of a type of event, or of a command, of which the tests that
ran (worker_schemas, worker_golden) tell for sure."""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cli_schemas  # noqa: E402
import contract  # noqa: E402


def types():
    kinds = cli_schemas.read("domain-event")["properties"]["type"]["enum"]
    return {*kinds, contract.FINISHED}


def end():
    lines = [json.loads(line) for line in contract.COUNTS.read_text().splitlines()] if contract.COUNTS.exists() else []
    events, outputs, logs, tests = collections.Counter(), collections.Counter(), collections.Counter(), set()
    for line in lines:
        events.update(line.get("events", {}))
        outputs.update(line.get("outputs", {}))
        logs.update(line.get("logs", {}))
        tests.add(line["test"].split("::")[0].rpartition("/")[2].split(" ")[0])
    for name, count in [*sorted(events.items()), *sorted(outputs.items())]:
        print(f"{count:8}  {name}")
    print("not seen in a log: " + ", ".join(sorted(set(contract.log_events()) - set(logs))))
    print(f"{sum(logs.values())} lines of logs of {len(logs)} of {len(contract.log_events())} events are as docs/logs.md tells")
    print(f"{sum(events.values())} events of {len(events)} types and {sum(outputs.values())} outputs of commands of {len(outputs)} "
          f"schemas, of {len(tests)} test files, are as docs/schemas tells")
    missing = types() - set(events) if "test_schemas.py" in tests else set()
    golden = {f"sesverify.{path.stem}.v1" for path in (contract.SOURCE / "tests/golden/outputs").iterdir()}
    missing |= golden - set(outputs) if "test_golden.py" in tests else set()
    if missing:
        print("never told: " + ", ".join(sorted(missing)))
    return 1 if missing else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["begin"]:
        contract.COUNTS.unlink(missing_ok=True)
        sys.exit(0)
    sys.exit(end() if sys.argv[1:] == ["end"] else __doc__)
