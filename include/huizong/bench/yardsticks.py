"""What the stages are compared with: the least that the same work can cost, and what it costs done naively.

Both read the same files by position and judge them by the same suite; neither keeps raw bytes, looks for
labels, tells whose a file is, or answers anybody.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from huizong.bench.returns import FIRST_ROW
from huizong.instruments.model import Instrument
from huizong.readers.model import ItemReading
from huizong.rules.columns import frame
from huizong.rules.model import FormRow
from huizong.rules.suite import Suite, load_suite

SAMPLE = 50  # forms that the naive way is timed on

_VALUE = 2  # the index of the column with the figures
_RESULT_FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": ["form:key"]}


def floor(files: Sequence[Path], instrument: Instrument, suite: Path, database: Path) -> int:
    """A bare calamine read, one insert a form in one transaction, one validation; how many forms."""
    from python_calamine import CalamineWorkbook

    rows = []
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE form (path TEXT PRIMARY KEY, figures TEXT NOT NULL)")
    for path in files:
        book = CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
        cells = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
        figures = [line[_VALUE] for line in cells[FIRST_ROW - 1 :][: len(instrument.items)]]
        connection.execute("INSERT INTO form VALUES (?, ?)", (str(path), json.dumps(figures)))
        rows.append(_row(str(path), figures, instrument))
    connection.commit()
    connection.close()
    Judge(load_suite(suite)).judge(rows, instrument)
    return len(rows)


def naive(files: Sequence[Path], instrument: Instrument, suite: Path) -> int:
    """`pandas.read_excel` with openpyxl and one validation, form by form; how many forms."""
    import pandas as pd

    judge = Judge(load_suite(suite))
    for path in files:
        table = pd.read_excel(path, engine="openpyxl", header=None)
        figures = table.iloc[FIRST_ROW - 1 :, _VALUE][: len(instrument.items)]
        judge.judge([_row(str(path), figures, instrument)], instrument)
    return len(files)


class Judge:
    """Great Expectations as its documentation shows it: one context, one suite, a batch at a time."""

    def __init__(self, suite: Suite) -> None:
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        asset = context.data_sources.add_pandas("returns").add_dataframe_asset("batch")
        self._definition = asset.add_batch_definition_whole_dataframe("whole")
        self._expectations = gx.ExpectationSuite(**suite.model_dump(mode="json", exclude_defaults=True))
        self._columns = suite.columns

    def judge(self, rows: Sequence[FormRow], instrument: Instrument) -> Any:
        """Great Expectations' own answer for these returns."""
        batch = self._definition.get_batch({"dataframe": frame(rows, instrument, self._columns)})
        return batch.validate(self._expectations, result_format=_RESULT_FORMAT)


def _row(key: str, figures: Iterable[Any], instrument: Instrument) -> FormRow:
    read: Callable[..., ItemReading] = ItemReading.model_construct
    items = {
        item.code: read(state="number", number=Decimal(f"{figure:.15g}"), raw=str(figure))
        for item, figure in zip(instrument.items, figures, strict=True)
    }
    return FormRow(key=key, unit_name="", address_as="你单位", items=items, unit_text="单位")
