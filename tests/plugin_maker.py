"""Install packages of plugins into a folder, as pip would, without a build: module, metadata and entry points."""

from __future__ import annotations

import tomllib
from pathlib import Path


def install_module(target: Path, name: str, source: str, *, version: str = "1.0", summary: str = "") -> None:
    """Install a package with one plugin of this name, in the module plugin_<name>."""
    project = {"name": f"portal-{name}", "version": version, "description": summary}
    entry = {"glm_portal.plugins": {name: f"plugin_{name}"}}
    _install(target, {**project, "entry-points": entry}, {f"plugin_{name}": source})


def install_package(target: Path, pyproject: str, modules: dict[str, str]) -> None:
    """Install a package from its pyproject.toml and its modules: name to source."""
    _install(target, tomllib.loads(pyproject)["project"], modules)


def _install(target: Path, project: dict[str, object], modules: dict[str, str]) -> None:
    info = target / f"{str(project['name']).replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    for name, source in modules.items():
        (target / f"{name}.py").write_text(source, "utf-8")
    summary = f"Summary: {project['description']}\n" if project.get("description") else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{summary}", "utf-8")
    lines = []
    groups = project["entry-points"]
    assert isinstance(groups, dict)
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
