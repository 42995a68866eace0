"""Run nginx in front of a server, as a company does: TLS with a certificate of its own CA, and a check of the API key."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from samples.servers.missing import missing
from samples.servers.ports import free_port

GOOD_KEY, WEAK_KEY = "Z29vZDprZXk=", "d2VhazprZXk="
"""One that may do everything, one that may do nothing."""


class TlsProxy:
    """`url` has a certificate for 127.0.0.1, `foreign_url` one for portal.example, both of the CA in `ca`; `other_ca` signed neither."""

    def __init__(self, upstream: str, folder: Path) -> None:
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if nginx is None:
            missing("The proxy's test needs nginx: apt-get install nginx-light")
        authority, other = Authority("Test CA"), Authority("Other CA")
        self.ca, self.other_ca = folder / "ca.pem", folder / "other.pem"
        self.ca.write_bytes(authority.certificate)
        self.other_ca.write_bytes(other.certificate)
        authority.sign(folder / "own", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        authority.sign(folder / "foreign", x509.DNSName("portal.example"))
        own, foreign = free_port(), free_port()
        self.url, self.foreign_url = f"https://127.0.0.1:{own}", f"https://127.0.0.1:{foreign}"
        folders = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        sites = "".join(_site(port, folder / name, upstream) for port, name in ((own, "own"), (foreign, "foreign")))
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; {folders} client_max_body_size 100m;\n"
            f'map $http_authorization $answer {{ default 401; "ApiKey {GOOD_KEY}" 200; "ApiKey {WEAK_KEY}" 403; }}\n{sites}}}\n'
        )
        command = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", foreign), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, (folder / "error.log").read_text()
                time.sleep(0.05)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)


def _site(port: int, certificate: Path, upstream: str) -> str:
    return (
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}.pem; ssl_certificate_key {certificate}.key;\n"
        f"if ($answer = 401) {{ return 401; }} if ($answer = 403) {{ return 403; }}\n"
        f"location / {{ proxy_pass {upstream}; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}\n"
    )


class Authority:
    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _begun(self._name, self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
            key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        self._certificate = made.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.certificate = self._certificate.public_bytes(Encoding.PEM)

    def sign(self, target: Path, host: x509.GeneralName) -> None:
        """Write target.pem and target.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]), self._name, key)
        made = made.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        target.with_suffix(".pem").write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        target.with_suffix(".key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - hour).not_valid_after(now + 24 * hour)
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
