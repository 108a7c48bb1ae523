"""What something costs, for bounds that keep a hostile input from taking minutes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds(action: Callable[[], object]) -> float:
    """Of this process, without the collector of garbage: after a thousand tests it has theirs to sift."""
    gc.disable()
    try:
        began = time.process_time()
        action()
        return time.process_time() - began
    finally:
        gc.enable()
