"""Untouched copies of the form, which clerks send back with their answer."""

from __future__ import annotations

from huizong.readers.model import FileReading, FormReading

BLANK_COPY = "空白表样，未登记"


def without_blank_copies(readings: dict[str, FileReading]) -> dict[str, FileReading]:
    """Clerks answer a notice with its attachments: beside a filled form the untouched one says nothing."""
    if not any(is_filled(form) for reading in readings.values() for form in reading.forms):
        return readings
    return {
        digest: reading.model_copy(update={"forms": (), "disposition": "set_aside", "reason": BLANK_COPY})
        if reading.forms and not any(is_filled(form) for form in reading.forms)
        else reading
        for digest, reading in readings.items()
    }


def is_filled(form: FormReading) -> bool:
    """Whether somebody typed anything into one of its cells."""
    return any(item.state != "blank" for item in form.items.values())
