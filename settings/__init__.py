"""The settings of a portal: typed, frozen and read once. docs/settings.md lists them.

In reading order:

- fields: every setting with its description and default
- lists: settings that hold several values
- reading: the environment and the YAML file
- checks: what is refused
- master_key: where the master key comes from
"""

from settings.fields import PORTS, Settings, descriptions, variable
from settings.lists import listed, pairs
from settings.master_key import KEY_COMMAND_S, master_key, read_key
from settings.reading import load

__all__ = ["KEY_COMMAND_S", "PORTS", "Settings", "descriptions", "listed", "load", "master_key", "pairs", "read_key", "variable"]
