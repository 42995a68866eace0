"""Make the data frame of a table. pandas and its columns take 70 MB and half a second, so the first table loads them, not the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def data_frame(data: Mapping[str, Sequence[object]] | Sequence[Sequence[object]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a data frame. data: its columns by name, or rows, with the names in `columns`."""
    import pandas as pd

    return pd.DataFrame(data, columns=columns)
