"""F53 and T10: everything due in the same second keeps SES's rate and the worker's size, and a client with very many domains
holds up nobody. The large numbers are printed by tests/bench/scale.py; these are small enough for a test."""
from burst import FAIR_SETTINGS, Burst, first_check
from world import World

RATE = 10.0
FEW, MANY = 500, 5000
LARGE = 20_000
T10_MS = 2000


def run_burst(count):
    with Burst(count, rate=RATE) as run:
        run.look_at_all(200)
        print(run.report())
        permits, arrivals = run.excess()
        assert permits <= 0, "the limiter gave more permits in a window than its rate allows"
        assert arrivals <= 0, "SES saw more calls in a window than its rate allows"
        assert sum(map(len, run.calls().values())) >= 2 * count / 100, "SES was not asked about all: this proves nothing"
        return run.peak_kb


def test_F53_due_in_the_same_second():
    few_kb, many_kb = run_burst(FEW), run_burst(MANY)
    print(f"peak {few_kb} kB with {FEW} due, {many_kb} kB with {MANY}")
    assert many_kb < 1.3 * few_kb, "the worker grows with what is due"


def test_F53_a_large_client_holds_up_nobody():
    with World(settings=FAIR_SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"], redis={"small": True},
               consistent=False) as world:
        alone_ms, beside_ms = first_check(world, LARGE)
    print(f"admission to first DNS question: {alone_ms} ms alone, {beside_ms} ms beside {LARGE} due domains of another client")
    assert beside_ms < T10_MS
