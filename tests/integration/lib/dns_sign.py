"""Signs zones as registries do (ldns-keygen, ldns-signzone), rightly or with a chosen mistake."""
import datetime
import pathlib
import subprocess

ALGORITHM = "ECDSAP256SHA256"  # small and quick; what most signed zones use today
DAY = datetime.timedelta(days=1)


def _run(*command, cwd):
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=True).stdout


def _stamp(when):
    return when.strftime("%Y%m%d%H%M%S")


class Key:
    """One key that signs a whole zone. `private` is the path without its ending, as ldns wants it."""

    def __init__(self, zone, folder, algorithm=ALGORITHM):
        self.folder = pathlib.Path(folder)
        self.name = _run("ldns-keygen", "-a", algorithm, "-k", zone or ".", cwd=self.folder).strip()

    def ds(self):
        """The DS record's data for the parent."""
        line = _run("ldns-key2ds", "-n", "-2", f"{self.name}.key", cwd=self.folder)
        return line.split("DS", 1)[1].strip()

    def dnskey(self):
        return (self.folder / f"{self.name}.key").read_text().split(";")[0].strip()


def sign(zone, path, key, state="good", now=None):
    """Writes `path`.signed and returns it. `state`: good, expired, future (not valid yet)."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    # Ten days off: validators forgive clocks that are wrong by a day.
    begin, end = {"good": (now - DAY, now + 30 * DAY), "expired": (now - 40 * DAY, now - 10 * DAY),
                  "future": (now + 10 * DAY, now + 40 * DAY)}[state]
    signed = path.with_name(path.name + ".signed")
    _run("ldns-signzone", "-o", f"{zone}.", "-i", _stamp(begin), "-e", _stamp(end), "-f", signed, path, key.name,
         cwd=key.folder)
    return signed, begin.replace(microsecond=0), end.replace(microsecond=0)
