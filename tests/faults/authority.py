"""TLS for tests: a certificate authority that a client is told to trust, and one that it never heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ringback.clock import SystemClock

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

_PEM = serialization.Encoding.PEM
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Authority:
    """Signs certificates for 127.0.0.1, or for `host` alone; `ca` is what a client must have to believe them."""

    folder: Path
    name: str
    host: str | None = None

    def __post_init__(self) -> None:
        key, subject = ec.generate_private_key(ec.SECP256R1()), _named(self.name)
        limits = x509.BasicConstraints(ca=True, path_length=0)
        own = _builder(subject, subject, key.public_key()).add_extension(limits, critical=True)
        self.ca.write_bytes(own.sign(key, hashes.SHA256()).public_bytes(_PEM))
        host = ec.generate_private_key(ec.SECP256R1())
        subject_name = x509.DNSName(self.host) if self.host else x509.IPAddress(ip_address("127.0.0.1"))
        address = x509.SubjectAlternativeName([subject_name])
        leaf = _builder(_named("127.0.0.1"), subject, host.public_key()).add_extension(address, critical=False)
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        signed = leaf.sign(key, hashes.SHA256()).public_bytes(_PEM)
        (self.folder / f"{self.name}-host.pem").write_bytes(host.private_bytes(_PEM, *plain) + signed)

    @property
    def ca(self) -> Path:
        """The authority's own certificate."""
        return self.folder / f"{self.name}-ca.pem"

    def certify(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Have a server show this authority's certificate from its next connection on."""
        context.load_cert_chain(self.folder / f"{self.name}-host.pem")
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = SystemClock().now()
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now - _HOUR, now + _HOUR)
