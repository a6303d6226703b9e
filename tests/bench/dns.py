#!/usr/bin/python3
"""What DNS costs us against a real nsd on loopback: a raw query, a whole judgement, dnsperf's figure of the same run beside them,
and the wall time of one `sesverify check`: tests/bench/dns.py BENCH_DNS [COUNT [DOMAINS]]; bench_judge and sesverify are
taken from the same build. Printed, never asserted: machines differ. The floor is 11 us of CPU time a raw query, the aim 7.4
(what massdns needs), all safety checks on."""
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent / "integration" / "dns")  # instead of here, where dns is this file
from conftest import start_nsd  # noqa: E402  (the zone and the server of the integration tests)

IN_FLIGHT, ROUNDS, NAME = 100, 5, "x%.wild.client.example"
CHECKS_IN_FLIGHT, DOMAIN, COLD_CHECKS = 20, "d%-bench.net", 5  # a check has several questions in flight
HEAD = "$TTL 300\n@ IN SOA ns1 host 7 3600 600 86400 120\n@ IN NS ns1\nns1 IN A 127.0.0.1\n"
FEEDBACK = "feedback-smtp.eu-west-1.amazonses.com."


def tokens_of(number):
    """As bench_judge makes them."""
    return [f"{letter}{number:031d}" for letter in "abc"]


def new_dkim_value():
    """A 2,048-bit key as SES publishes them, in strings of at most 255 octets."""
    private = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True, check=True).stdout
    text = "p=" + "".join(public.decode().splitlines()[1:-1])
    return " ".join(f'"{text[at:at + 255]}"' for at in range(0, len(text), 255))


def right_zones(count):
    """Domains with everything right, SES's side of them, and above them a root that denies whatever else is asked."""
    clients = [HEAD]
    ses, key = [HEAD, '@ IN TXT "v=spf1 ip4:199.255.192.0/22 ip4:54.240.0.0/18 ip4:69.169.224.0/20 -all"\n',
                "feedback-smtp.eu-west-1 IN A 192.0.2.30\n"], new_dkim_value()
    for number in range(count):
        name = DOMAIN.partition(".")[0].replace("%", str(number))
        clients.append(f'{name} IN MX 10 mx.{name}\nmx.{name} IN A 192.0.2.25\n'
                       f'{name} IN TXT "v=spf1 mx include:amazonses.com ~all"\n'
                       f'_dmarc.{name} IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@{name}.net"\n'
                       f'mail.{name} IN MX 10 {FEEDBACK}\n'
                       f'mail.{name} IN TXT "v=spf1 include:amazonses.com ~all"\n')
        for token in tokens_of(number):
            clients.append(f"{token}._domainkey.{name} IN CNAME {token}.dkim.amazonses.com.\n")
            ses.append(f"{token}.dkim IN TXT {key}\n")
    return {".": HEAD.replace("ns1 host", "ns1. host.").replace("NS ns1", "NS ns1."),
            "net": "".join(clients), "amazonses.com": "".join(ses)}


def start_server(folder, zones):
    """Somebody may take the port between looking and binding: try again."""
    for attempt in range(3):
        place = folder / str(attempt)
        place.mkdir()
        process, port = start_nsd(place, zones)
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


def run_judge(bench, port, count):
    """Ends with a status when any domain was not found right: then its figures would mean nothing."""
    done = subprocess.run([bench, f"127.0.0.1:{port}", str(count), str(CHECKS_IN_FLIGHT), DOMAIN],
                          stdout=subprocess.PIPE, text=True, check=True)
    return dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))


def run_cold_check(sesverify, port, number):
    """The whole life of the process, in milliseconds. Its only resolver is ours, and it asks nobody else."""
    tokens = [word for token in tokens_of(number) for word in ("--token", token)]
    began = time.monotonic()
    subprocess.run([sesverify, "check", DOMAIN.replace("%", str(number)), "--server", f"127.0.0.1:{port}", *tokens,
                    "--region", "eu-west-1", "--mail-from", "mail", "--set", "dns.authoritative=off"],
                   stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1000


def print_raw(bench, port, count, names):
    names.write_text("".join(NAME.replace("%", str(i)) + " TXT\n" for i in range(count)))
    ours, theirs = [], []
    for number in range(1, ROUNDS + 1):
        figures = run_ours(bench, port, count)
        ours.append(float(figures["cpu_us_per_query"]))
        qps, cpu_us = run_dnsperf(port, names, count)
        theirs.append(cpu_us)
        print(f"{number}: sesverify {float(figures['qps']):8.0f} queries/s {ours[-1]:6.2f} us CPU "
              f"({figures['usable']} of {figures['queries']} usable, {figures['timeouts']} timeouts) | "
              f"dnsperf {qps:8.0f} queries/s {cpu_us:6.2f} us CPU", flush=True)
    print(f"median CPU us per query: sesverify {statistics.median(ours):.2f}, "
          f"dnsperf {statistics.median(theirs):.2f}; floor 11, aim 7.4")


def print_judged(bench, port, count):
    per_check, per_question = [], []
    for number in range(1, ROUNDS + 1):
        figures = run_judge(bench, port, count)
        per_check.append(float(figures["cpu_us_per_check"]))
        per_question.append(float(figures["cpu_us_per_question"]))
        print(f"{number}: full judging {float(figures['checks_per_s']):6.0f} checks/s {per_check[-1]:6.0f} us CPU a check, "
              f"{float(figures['questions_per_s']):6.0f} questions/s {per_question[-1]:6.2f} us CPU a question "
              f"({figures['right']} of {figures['checks']} right, {figures['questions_per_check']} questions and "
              f"{figures['packets_per_check']} packets a check, {figures['timeouts']} timeouts, "
              f"peak {int(figures['peak_kb']) / 1024:.1f} MiB)", flush=True)
    print(f"median CPU us with full judging: {statistics.median(per_check):.0f} a check, "
          f"{statistics.median(per_question):.2f} a question")


def main():
    bench = pathlib.Path(sys.argv[1]).resolve()
    count, domains = [int(word) for word in sys.argv[2:4]] + [100000, 2000][len(sys.argv[2:4]):]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        process, port = start_server(folder, right_zones(domains))
        try:
            print_raw(bench, port, count, folder / "names")
            print_judged(bench.with_name("bench_judge"), port, domains)
            cold = [run_cold_check(bench.parents[2] / "worker" / "sesverify", port, i) for i in range(COLD_CHECKS)]
        finally:
            process.terminate()
            process.wait(timeout=10)
    print(f"one cold `sesverify check`: median {statistics.median(cold):.1f} ms wall ({min(cold):.1f} to {max(cold):.1f})")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")


main()
