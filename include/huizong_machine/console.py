"""The console script `huizong`: hands the machine's arguments, environment and clock to the command line."""

from __future__ import annotations

import os
import sys

from huizong.cli.app import run
from huizong_machine.clock import SystemClock


def main() -> None:
    """Run one command and leave with its exit code."""
    sys.exit(run(sys.argv[1:], os.environ, SystemClock()))
