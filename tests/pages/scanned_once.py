"""Look for Streamlit components once in a process. AppTest reads the metadata of all installed packages for every page it draws: 0.14 s."""

from __future__ import annotations

from functools import cache

from streamlit.components.v2 import manifest_scanner

manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
