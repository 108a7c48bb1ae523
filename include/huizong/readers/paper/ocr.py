"""Lines of text on a picture, recognised offline with the weights that rapidocr's wheel brings.

Lines are looked for on a small copy and recognised in the large picture: on a 200-dpi page that finds as
much as looking in the large one (a lone — even more often) in a third of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from huizong.readers.paper.picture import Picture, shrink

Box = NDArray[np.float32]  # 4 corners x (x, y), from the top left one clockwise, in the picture's pixels

MAX_LINES = 400  # a page of a form has 50, of close print 120

_THREADS = (
    1  # a second one spins while it waits: half as much processor time again, for little where files queue
)
_LOOK_SIDE = 1_120  # pixels of the longest side of the small copy
_PROBED, _START = 8, 12.0  # lines, line heights of each: recognised both ways up to tell how a page lies
_READABLE = 0.6  # score from which a line counts as read
_HEIGHT = 64  # pixels: the recogniser scales every line to 48
_FLAT = 2.5  # width to height from which the ink of a "1" is a stroke from left to right
_ONE = frozenset("1lI|")


@dataclass(frozen=True)
class Line:
    """A line of text, its score from 0 to 1 and its place."""

    text: str
    score: float
    box: Box


def find_lines(picture: Picture, side: int = _LOOK_SIDE) -> list[Box]:
    """Where lines of text stand, from top to bottom; the largest `MAX_LINES` of them.

    Args:
        side: pixels of the longest side of the copy in which they are looked for; time grows with its square.
    """
    small = shrink(picture, side)
    found = _engine()(_bgr(small), use_det=True, use_cls=False, use_rec=False).boxes
    if found is None:
        return []
    boxes = [np.asarray(box * (picture.shape[0] / small.shape[0]), np.float32) for box in found]
    if len(boxes) > MAX_LINES:
        least = sorted((_width(box) for box in boxes), reverse=True)[MAX_LINES]
        boxes = [box for box in boxes if _width(box) > least]
    return boxes


def recognise(picture: Picture, boxes: Sequence[Box]) -> list[Line]:
    """What stands in the boxes, without those in which nothing was read.

    A single "1" whose ink is a flat stroke comes back as "—".
    """
    cuts = [_cut(picture, box) for box in boxes]
    return [
        Line("—" if text in _ONE and _is_flat(cut) else text, score, box)
        for (text, score), cut, box in zip(_read(cuts), cuts, boxes, strict=True)
        if text.strip()
    ]


def line_length(box: Box) -> float:
    """In line heights: about the number of Chinese characters."""
    return _width(box) / max(1.0, _height(box))


def turns_needed(picture: Picture, boxes: Sequence[Box]) -> int:
    """How often a page must be turned left by 90° until its lines can be read: 0 to 3 (`numpy.rot90`)."""
    probed = [_start(box) for box in sorted(boxes, key=lambda box: -max(_width(box), _height(box)))[:_PROBED]]
    sideways = 2 * sum(_height(box) > 1.5 * _width(box) for box in probed) > len(probed)
    cuts = [np.rot90(cut) if sideways else cut for cut in (_cut(picture, box) for box in probed)]
    upright = _well_read(cuts)
    upside_down = 0.0 if upright > 0.9 else _well_read([np.rot90(cut, 2) for cut in cuts])
    return int(sideways) + 2 * (upside_down > upright)


def _well_read(cuts: Sequence[Picture]) -> float:
    """Mean score of lines, long ones counting more; what was not read counts nothing."""
    read = _read(cuts)
    characters = sum(len(text) for text, _ in read)
    good = sum(len(text) * score for text, score in read if score >= _READABLE)
    return good / characters if characters else 0.0


def _read(cuts: Sequence[Picture]) -> list[tuple[str, float]]:
    if not cuts:
        return []
    found = _engine().recognize_txt([_bgr(cut) for cut in cuts])
    return [(str(text), float(score)) for text, score in zip(found.txts, found.scores, strict=True)]


def _cut(picture: Picture, box: Box) -> Picture:
    """The line laid straight. Never turned: rapidocr's own cut turns a narrow 1 into a —."""
    width, height = max(1, round(_width(box))), max(1, round(_height(box)))
    scale = min(1.0, _HEIGHT / min(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box, corners)
    flags, border = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height), flags=flags, borderMode=border))


def _is_flat(cut: Picture) -> bool:
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _, _, width, height = cv2.boundingRect(ink)
    return bool(width > _FLAT * height)


def _width(box: Box) -> float:
    return float(np.linalg.norm(box[1] - box[0]))


def _height(box: Box) -> float:
    return float(np.linalg.norm(box[3] - box[0]))


def _start(box: Box) -> Box:
    """The first `_START` line heights of a long line, along its longer side."""
    part = _START * min(_width(box), _height(box)) / max(1.0, _width(box), _height(box))
    if part >= 1:
        return box
    first, second, third, fourth = box
    if _width(box) > _height(box):
        ends = (first, first + part * (second - first), fourth + part * (third - fourth), fourth)
    else:
        ends = (first, second, second + part * (third - second), first + part * (fourth - first))
    return np.array(ends, np.float32)


def _bgr(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, :, ::-1])


@lru_cache(maxsize=1)
def _engine() -> Any:
    """The models, loaded once a process: 1.5 s. Their paths are given, or rapidocr would ask the network."""
    import rapidocr  # here, not above: 1.3 s for those who only import this module

    models = Path(rapidocr.__file__).parent / "models"
    cv2.setNumThreads(_THREADS)
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": _LOOK_SIDE,
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Rec.rec_batch_num": 3,  # memory grows with it, speed does not
            "EngineConfig.onnxruntime.intra_op_num_threads": _THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
