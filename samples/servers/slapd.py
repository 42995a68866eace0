"""A real OpenLDAP server (Debian's slapd) with StartTLS, LDAPS and a few people in nested groups."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import ldap3
from cryptography import x509

from samples.servers.missing import missing
from samples.servers.ports import free_port
from samples.servers.tls_proxy import Authority

BASE = "dc=example,dc=org"
ROOT = f"cn=root,{BASE}"
ROOT_PASSWORD = "root of the directory"
PASSWORD = "correct horse"
_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'account365' SUP top AUXILIARY MAY ( userAccountControl $ accountExpires $ nsAccountLock ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/own.pem
TLSCertificateKeyFile {folder}/own.key
database mdb
suffix {base}
rootdn {root}
rootpw "{password}"
directory {folder}/data
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""


class Slapd:
    """ana is in "staff", which is in "risk-leads", which is in "all" and, in a circle, contains it; ben is in no group."""

    def __init__(self, folder: Path) -> None:
        slapd = shutil.which("slapd", path=_PATH)
        if slapd is None or not Path("/etc/ldap/schema/core.schema").exists():
            missing("The directory's test needs slapd: apt-get install slapd")
        authority = Authority("Directory CA")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(authority.certificate)
        self.other_ca = folder / "other.pem"
        self.other_ca.write_bytes(Authority("Other CA").certificate)
        authority.sign(folder / "own", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(_CONFIG.format(folder=folder, base=BASE, root=ROOT, password=ROOT_PASSWORD))
        plain, tls = free_port(), free_port()
        self.url, self.tls_url = f"ldap://127.0.0.1:{plain}", f"ldaps://127.0.0.1:{tls}"
        command = [slapd, "-f", str(folder / "slapd.conf"), "-h", f"{self.url} {self.tls_url}", "-d", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", tls), timeout=1).close()
                break
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, "slapd did not start"
                time.sleep(0.05)
        self._fill()

    def admin(self) -> Any:
        return ldap3.Connection(ldap3.Server(self.url, get_info=ldap3.NONE), ROOT, ROOT_PASSWORD, auto_bind=True)

    def _fill(self) -> None:
        with self.admin() as root:
            root.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
            for unit in ("people", "groups"):
                root.add(f"ou={unit},{BASE}", "organizationalUnit")
            root.add(person("portal"), "inetOrgPerson", {"sn": "x", "cn": "Portal", "userPassword": PASSWORD})
            for name, full in (("ana", "Ana Costa"), ("ben", "Ben (Star*) Li")):
                self.put(root, name, full)
            for name, members in (
                ("staff", [person("ana")]), ("risk-leads", [group("staff")]), ("all", [group("risk-leads")]),
            ):  # fmt: skip
                root.add(group(name), "groupOfNames", {"member": members})
            root.modify(group("staff"), {"member": [(ldap3.MODIFY_ADD, [group("all")])]})

    def put(self, root: Any, name: str, full: str) -> None:
        values = {"sn": full.split()[-1], "cn": full, "userPassword": PASSWORD, "userAccountControl": "512"}
        assert root.add(person(name), ["inetOrgPerson", "account365"], values), root.result

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def person(name: str) -> str:
    return f"uid={name},ou=people,{BASE}"


def group(name: str) -> str:
    return f"cn={name},ou=groups,{BASE}"
