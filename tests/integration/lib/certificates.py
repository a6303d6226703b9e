"""Authorities and certificates for one test, as PEM files in a folder.

    ours = Authority(folder, "ours")
    server = ours.issue("server", ["127.0.0.1", "localhost"])     # server.cert, server.key
    late = ours.issue("late", ["127.0.0.1"], days=(-10, -1))      # expired since yesterday
"""
import collections
import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Pair = collections.namedtuple("Pair", "cert key")  # paths


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _alternative(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _day(number):
    return datetime.datetime.utcnow() + datetime.timedelta(days=number)


class Authority:
    """`pem`: the path of its own certificate."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        own = (self._builder(_name(name), self.key, (-1, 10))
               .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
               .sign(self.key, hashes.SHA256()))
        self.pem = self._write(f"{name}.pem", own.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, days):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(_name(self.name)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(_day(days[0])).not_valid_after(_day(days[1])))

    def _write(self, name, data, mode=0o644):
        path = self.folder / name
        fresh = path.with_suffix(".new")  # replaced in one step, as certificates are rotated
        fresh.write_bytes(data)
        fresh.chmod(mode)
        fresh.replace(path)
        return str(path)

    def issue(self, name, alternatives, days=(-1, 10)):
        """`alternatives`: names and addresses it is for. The common name never counts, and says localhost."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name("localhost"), key, days)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(a) for a in alternatives]), critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Pair(self._write(f"{name}.cert", signed.public_bytes(serialization.Encoding.PEM)),
                    self._write(f"{name}.key", text, 0o600))
