"""What a conftest.py imports whose tests need the lab (dns_lab.py): one for the whole session, in a network of its own."""
import pytest

import netns


def pytest_cmdline_main(config):
    return netns.run_again(config)


@pytest.fixture(scope="session")
def lab():
    from dns_lab import Lab
    with Lab() as running:
        yield running
