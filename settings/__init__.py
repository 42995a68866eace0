"""The settings of a portal: typed, frozen and read once. docs/settings.md lists them.

In reading order:

- fields: define every setting with its description and default
- lists: split settings that hold several values
- reading: read the environment and the YAML file
- checks: refuse invalid values
- master_key: read the master key of encryption at rest
"""

from settings.fields import PORTS, Settings, descriptions, variable
from settings.lists import listed, pairs
from settings.master_key import KEY_COMMAND_S, master_key, read_key
from settings.reading import load

__all__ = ["KEY_COMMAND_S", "PORTS", "Settings", "descriptions", "listed", "load", "master_key", "pairs", "read_key", "variable"]
