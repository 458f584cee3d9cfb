"""Units of the fields of documents: a number's unit and range stand in its type.

Angles are degrees in files and radians inside; the suffix of a name always says which.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le

__all__ = [
    "Depth",
    "HeadingDeg",
    "LatitudeDeg",
    "LongitudeDeg",
    "NonNegative",
    "Positive",
    "Share",
    "SignedDeg",
]

Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
Depth = Annotated[float, Ge(0), Le(30)]
"""Metres below the surface, positive down; no ship draws more than 30 m."""
LatitudeDeg = Annotated[float, Ge(-90), Le(90)]
LongitudeDeg = Annotated[float, Ge(-180), Le(180)]
HeadingDeg = Annotated[float, Ge(0), Le(360)]
"""True, clockwise from north."""
SignedDeg = Annotated[float, Ge(-180), Le(180)]
