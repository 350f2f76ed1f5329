"""By which authorities a provider, a source of data or a mail server is believed to be who it says."""

import ssl
from functools import lru_cache
from pathlib import Path

Stamp = tuple[tuple[str, int, int], ...]


def trust(ca_file: str | Path | None) -> ssl.SSLContext:
    """Those of the system, or of the file alone: read once, and again when they have changed on the disk.

    To read the system's takes 20 ms, in which nobody is answered; each provider and each reload would take them again.
    `OSError`, `ssl.SSLError` when the file cannot be read.
    """
    paths = ssl.get_default_verify_paths()
    places = (paths.cafile, paths.capath) if ca_file is None else (str(ca_file),)
    return _read(ca_file, tuple(_stamp(place) for place in places if place))


def _stamp(place: str) -> tuple[str, int, int]:
    status = Path(place).stat()
    return place, status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=16)
def _read(ca_file: str | Path | None, stamp: Stamp) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
