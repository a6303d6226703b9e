#!/usr/bin/python3
"""How much a DNS query costs us, raw, against a real nsd on loopback, and dnsperf's figure of the same
run beside it: tests/bench/dns.py BENCH_DNS [COUNT]. Printed, never asserted: machines differ. The floor
is 11 us of CPU time a query, the aim 7.4 (what massdns needs), all safety checks on."""
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent / "integration" / "dns")  # instead of here, where dns is this file
from conftest import start_nsd  # noqa: E402  (the zone and the server of the integration tests)

IN_FLIGHT, ROUNDS, NAME = 100, 5, "x%.wild.client.example"


def start_server(folder):
    """Somebody may take the port between looking and binding: try again."""
    for attempt in range(3):
        place = folder / str(attempt)
        place.mkdir()
        process, port = start_nsd(place)
        if process:
            return process, port
    sys.exit(f"nsd does not start: {port}")


def run_ours(bench, port, count):
    done = subprocess.run([bench, f"127.0.0.1:{port}", str(count), str(IN_FLIGHT), NAME],
                          capture_output=True, text=True, check=True)
    return dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))


def run_dnsperf(port, names, count):
    """Queries per second by its own account, and the CPU time of the process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["/usr/bin/dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(names),
                           "-q", str(IN_FLIGHT), "-c", "1", "-T", "1", "-n", "1", "-O", "suppress=timeout"],
                          capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    qps = float(re.search(r"Queries per second:\s+([\d.]+)", done.stdout).group(1))
    return qps, cpu_s * 1e6 / count


def main():
    bench, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        process, port = start_server(folder)
        names = folder / "names"
        names.write_text("".join(NAME.replace("%", str(i)) + " TXT\n" for i in range(count)))
        ours, theirs = [], []
        try:
            for number in range(1, ROUNDS + 1):
                figures = run_ours(bench, port, count)
                ours.append(float(figures["cpu_us_per_query"]))
                qps, cpu_us = run_dnsperf(port, names, count)
                theirs.append(cpu_us)
                print(f"{number}: sesverify {float(figures['qps']):8.0f} queries/s {ours[-1]:6.2f} us CPU "
                      f"({figures['usable']} of {figures['queries']} usable, {figures['timeouts']} timeouts) | "
                      f"dnsperf {qps:8.0f} queries/s {cpu_us:6.2f} us CPU", flush=True)
        finally:
            process.terminate()
            process.wait(timeout=10)
    print(f"median CPU us per query: sesverify {statistics.median(ours):.2f}, "
          f"dnsperf {statistics.median(theirs):.2f}; floor 11, aim 7.4")


main()
