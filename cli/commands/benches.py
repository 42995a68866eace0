"""Find the measurements of ./portal bench by their names."""

from __future__ import annotations

from cli.paths import REPOSITORY


def find_benches() -> dict[str, str]:
    """Return the module of each measurement by its name: bench/AREA/NAME.py or, with modules of its own, bench/AREA/NAME/__main__.py."""
    folder = REPOSITORY / "bench"
    areas = [path.parent for path in folder.glob("*/__init__.py") if not path.parent.name.endswith("_parts")]
    found = [path.with_suffix("") for area in areas for path in area.glob("*.py") if path.stem != "__init__"]
    found += [path.parent for area in areas for path in area.glob("*/__main__.py")]
    return {path.name: ".".join(path.relative_to(REPOSITORY).parts) for path in sorted(found, key=lambda path: path.name)}
