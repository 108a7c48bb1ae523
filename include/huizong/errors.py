"""What can go wrong, by what should happen next.

Airflow retries a `TransientError`, records a `RejectedError` as a fact, and asks a person about an
`OperatorError`; the command line turns them into exit codes 3, 0 and 2.
"""

from __future__ import annotations


class HuizongError(Exception):
    """Base of all errors that carry a sentence for a reader; `str(e)` is that sentence."""

    exit_code = 2


class TransientError(HuizongError):
    """Something outside failed (mail server, database); safe to run again."""

    exit_code = 3


class RejectedError(HuizongError):
    """The data is wrong: a fact for the ledger, never retried."""

    exit_code = 0


class OperatorError(HuizongError):
    """A person has to do something first; the sentence says what."""

    exit_code = 2


class UsageError(HuizongError):
    """Wrong use or wrong input; the sentence says what to do."""

    exit_code = 2
