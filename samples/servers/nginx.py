"""Run nginx from the system's package, with a site of deploy/ in its own folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from samples.servers.missing import missing
from samples.servers.ports import free_port


class Nginx:
    """Serves a site of deploy/ on 127.0.0.1 and localhost with a certificate of its own; the trusted one lies in `certificate`."""

    def __init__(self, folder: Path, site: str, replaced: Mapping[str, str]) -> None:
        """site: the text of a site of deploy/. replaced: what stands in the site, such as names and addresses, and what to put there."""
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        openssl = shutil.which("openssl")
        if nginx is None or openssl is None:
            missing("The proxy's test needs nginx: apt-get install nginx-light openssl")
        self.certificate = folder / "certificate.pem"
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", folder / "key.pem", "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        self.port = free_port()
        text = site
        for old, new in {"/etc/ssl/portal": str(folder), "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl", **replaced}.items():
            assert old in text, f"the site has no {old}"
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(
            # As root, nginx would give up its rights and could not write what it takes in.
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
            f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{text}\n}}\n"
        )
        command = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, (folder / "error.log").read_text()
                time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)
