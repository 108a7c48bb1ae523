"""Films (视频): only how long they run. Nothing is decoded, played or converted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers.model import FileReading

if TYPE_CHECKING:
    from av.container import InputContainer

UNPLAYABLE = "视频无法打开，可能已损坏或未传完整，请在电脑上确认能够播放后重新发送。"
NO_PICTURE = "文件中没有视频画面，请核对是否发错文件后重新发送。"


def read_video(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Measure a film: mp4, mov, avi, wmv, flv, mkv, 3gp, mpg, whatever its name.

    Returns:
        `seconds` as its container says, else as its last picture does; None where neither says.

    Raises:
        RejectedError: it cannot be opened, or holds sound only.
    """
    del instruments
    import av  # here, not above: the child starts without it

    try:
        with av.open(BytesIO(data), "r", metadata_errors="ignore") as container:
            if not container.streams.video:
                raise RejectedError(NO_PICTURE)
            seconds = _seconds(container)
    except (av.FFmpegError, ValueError, EOFError) as e:
        raise RejectedError(UNPLAYABLE) from e
    return FileReading(kind=kind, disposition="return", seconds=seconds)


def _seconds(container: InputContainer) -> Decimal | None:
    import av

    if container.duration is not None:
        return _rounded(Decimal(container.duration) / av.time_base)
    # Recorded in a browser, or cut off while it was written: nobody noted its length at the end.
    stream = container.streams.video[0]
    ends = (p.pts + (p.duration or 0) for p in container.demux(stream) if p.pts is not None)
    last = max(ends, default=None)
    if last is None or stream.time_base is None:
        return None
    return _rounded(Decimal(last * stream.time_base.numerator) / stream.time_base.denominator)


def _rounded(seconds: Decimal) -> Decimal:
    return max(Decimal(0), seconds.quantize(Decimal("0.1")))
