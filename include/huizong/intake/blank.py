"""Untouched copies of the form, which clerks send back with their answer."""

from __future__ import annotations

from huizong.readers.model import FileReading, FormReading

BLANK_COPY = "空白表样，未登记"


def without_blank_copies(readings: dict[str, FileReading]) -> dict[str, FileReading]:
    """Clerks answer a notice with its attachments: beside a filled form the untouched one says nothing, nor
    does an untouched list on a further sheet of the filled one's workbook."""
    if not any(is_filled(form) for reading in readings.values() for form in reading.forms):
        return readings
    return {digest: _without_blank(reading) for digest, reading in readings.items()}


def _without_blank(reading: FileReading) -> FileReading:
    if reading.forms and not any(map(is_filled, reading.forms)):
        return reading.model_copy(update={"forms": (), "disposition": "set_aside", "reason": BLANK_COPY})
    kept = tuple(form for form in reading.forms if form.items or form.rows)
    return reading if len(kept) == len(reading.forms) else reading.model_copy(update={"forms": kept})


def is_filled(form: FormReading) -> bool:
    """Whether somebody typed anything into one of its cells, or a row into the list."""
    return bool(form.rows) or any(item.state != "blank" for item in form.items.values())
