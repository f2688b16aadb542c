"""The Robinson projection: a world map that looks right, made of a table (Arthur H. Robinson, 1963).

A parallel's length and its distance from the equator are given for every fifth degree; between them a line does.
"""

from __future__ import annotations

import math

#: In the middle of the map. Chosen so that its edge, half way round, passes between Alaska and Siberia.
CENTRAL_MERIDIAN = 11.5
WEST_EDGE = CENTRAL_MERIDIAN - 180

#: By latitude in steps of five degrees: the parallel's length and its distance from the equator, as shares.
_PARALLELS = (
    *((1.0000, 0.0000), (0.9986, 0.0620), (0.9954, 0.1240), (0.9900, 0.1860), (0.9822, 0.2480), (0.9730, 0.3100)),
    *((0.9600, 0.3720), (0.9427, 0.4340), (0.9216, 0.4958), (0.8962, 0.5571), (0.8679, 0.6176), (0.8350, 0.6769)),
    *((0.7986, 0.7346), (0.7597, 0.7903), (0.7186, 0.8435), (0.6732, 0.8936), (0.6213, 0.9394), (0.5722, 0.9761)),
    (0.5322, 1.0000),
)
_ACROSS = 0.8487
_UP = 1.3523

#: From the central meridian to the edge along the equator, in radii of the earth.
HALF_WIDTH = _ACROSS * math.pi


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Where a point lies: to the right of the centre and up from the equator, in radii of the earth."""
    step, within = divmod(min(abs(latitude), 90.0), 5.0)
    lower = _PARALLELS[int(step)]
    upper = _PARALLELS[min(int(step) + 1, len(_PARALLELS) - 1)]
    length, distance = (low + (high - low) * within / 5 for low, high in zip(lower, upper, strict=True))
    angle = math.radians((longitude - WEST_EDGE) % 360 - 180)
    return _ACROSS * length * angle, math.copysign(_UP * distance, latitude)
