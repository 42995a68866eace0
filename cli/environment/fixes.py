"""Turn a failed installation into advice."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

from core.errors import StartFailed

DISK = "The disk is full. Free some space, or set PORTAL_HOME, XDG_CACHE_HOME and TMPDIR to folders on another disk; then try again."
QUOTA = "Your disk quota is used up. Free some space, or set PORTAL_HOME and XDG_CACHE_HOME to folders on another disk; then try again."
FILE_LIMIT = "It has reached the limit for the size of a file. Raise the limit with: ulimit -f unlimited; then try again."
RIGHTS = (
    "This user has no write permission there. Change the permissions of the folder, or set PORTAL_HOME and XDG_CACHE_HOME to other "
    "folders."
)
READ_ONLY = "That disk is read-only. Set PORTAL_HOME and XDG_CACHE_HOME to writable folders."
DOWNLOAD = "A download was interrupted or damaged. Try again: only what is missing is downloaded."
_FIXES: tuple[tuple[str, str], ...] = (
    (r"No space left on device|\[Errno 28\]|not enough (disk|free) space", DISK),
    (r"File too large|\[Errno 27\]", FILE_LIMIT),
    (r"Disk quota exceeded|\[Errno 122\]", QUOTA),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy|Could not resolve proxy",
        "The proxy refused the connection. Check the address, name and password in HTTPS_PROXY and HTTP_PROXY, then try again.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError",
        "The server's certificate is not trusted here. If your company's proxy inspects TLS, set PIP_CERT to the file with its CA.",
    ),
    (
        r"DO NOT MATCH THE HASHES|IncompleteRead|Connection broken|ConnectionResetError|incomplete-download|Download failed"
        r"|BadZipFile|Hash Sum mismatch",
        DOWNLOAD,
    ),
    (
        r"Killed signal terminated program|virtual memory exhausted|[Oo]ut of memory|Cannot allocate memory|MemoryError",
        "Memory ran out. Stop other programs, or use a machine with at least 4 GB, then try again.",
    ),
    (
        r"CMAKE_C(XX)?_COMPILER|C(XX)? compiler identification is unknown|is not able to compile a simple test program",
        "The C++ compiler does not work. Type: sudo apt-get install -y g++  (and remove CC and CXX from the environment), then try again.",
    ),
    (
        r"ensurepip is not available|No module named '?(ensurepip|venv)",
        "This Python has no venv module. Type: sudo apt-get install -y python3-venv, then try again.",
    ),
    (
        r"Could not get lock|dpkg was interrupted|Unable to acquire the dpkg",
        "Another program is installing packages, or was interrupted. Wait for it, or type: sudo dpkg --configure -a; then try again.",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|Name or service not known|Temporary failure|Could not resolve"
        r"|Network is unreachable|Connection refused|timed out|Could not connect|Failed to fetch|from versions: none",
        "The package index could not be reached. Check the network; behind a proxy, set HTTPS_PROXY=http://HOST:PORT; for your own "
        "index, set PIP_INDEX_URL. Then try again.",
    ),
    (r"Permission denied|\[Errno 13\]", RIGHTS),
    (r"Read-only file system|\[Errno 30\]", READ_ONLY),
)
_BY_NUMBER = {
    errno.ENOSPC: DISK, errno.EDQUOT: QUOTA, errno.EFBIG: FILE_LIMIT, errno.EACCES: RIGHTS, errno.EPERM: RIGHTS, errno.EROFS: READ_ONLY,
}  # fmt: skip


def fix_for(printed: Iterable[str]) -> str:
    """Return what to do about a command that printed this before it failed; empty if unknown."""
    text = "\n".join(printed)
    return next((fix for pattern, fix in _FIXES if re.search(pattern, text)), "")


def failed(problem: OSError) -> StartFailed:
    """Build the sentence for a file that could not be written or read."""
    fix = _BY_NUMBER.get(problem.errno or 0, "Try again.")
    where = problem.filename or "A file"
    return StartFailed("{path} cannot be used ({reason}). {fix}", path=where, reason=problem.strerror or problem, fix=fix)
