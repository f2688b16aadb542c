"""Certificates for tests: an authority of our own, and what it vouches for."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Makes certificates in files of one folder; `file` is its own."""

    def __init__(self, folder: Path, name: str, *, hosts: Sequence[str] = ()) -> None:
        """With `hosts`, its own certificate is good for these too."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        own = x509.BasicConstraints(ca=True, path_length=None)
        self.file = self._make(name, self._name, self._key, own, _host_names(hosts))

    def vouch(self, host: str, *, since: timedelta = -DAY, until: timedelta = DAY) -> Path:
        """A certificate for a host name or an address, with its key; the times are from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        file = f"{host}{until.days}"
        return self._make(file, _name(host), key, constraints, _host_names([host]), since=since, until=until)

    def _make(
        self,
        file: str,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *extensions: x509.ExtensionType | None,
        since: timedelta = -DAY,
        until: timedelta = DAY,
    ) -> Path:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
        )
        for extension in filter(None, extensions):
            builder = builder.add_extension(extension, isinstance(extension, x509.BasicConstraints))
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._folder / f"{file}.pem"
        path.write_bytes(certificate + secret)
        return path


def serving(certificate: Path) -> ssl.SSLContext:
    """A server's context with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _host_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName | None:
    if not hosts:
        return None
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
