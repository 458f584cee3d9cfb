"""What grows on a hull and what wipes it off again.

Growth starts where the coat failed, in the lee of welds, in belts under the waterline and along the flow; a colony
spreads from its first settlers, so its middle holds the old large ones and its rim the small. Slime lies over all of
it as a film, which fenders, ropes and divers' hands have wiped in strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan_sim.camera.noise import Axis, Grid, Image, cells, fractal, hash01
from hullscan_sim.camera.settlement import Species, settle, stamp

__all__ = ["GRID_M", "SPECIES", "Growth", "grow"]

GRID_M = 0.03  # of the fields that decide who settles where
_SLIME, _BROWN, _TURF = (0.022, 0.060, 0.050), (0.020, 0.050, 0.062), (0.028, 0.074, 0.098)
_SHELL = ((0.10, 0.13, 0.145), (0.26, 0.29, 0.30))
_LIME = ((0.24, 0.29, 0.30), (0.46, 0.49, 0.49))
_SQUIRTS = ((0.17, 0.20, 0.22), (0.38, 0.40, 0.40))
_MUSSEL = ((0.030, 0.026, 0.024), (0.060, 0.058, 0.055))
_WEED = ((0.008, 0.040, 0.020), (0.020, 0.085, 0.050))
_OLIVE = ((0.010, 0.032, 0.030), (0.022, 0.060, 0.058))

SPECIES: dict[str, tuple[Species, ...]] = {  # small ones first, larger ones over them
    "barnacles": (
        Species(kind="barnacle", cell_m=0.0095, half_m=(0.0022, 0.0052), colours=_SHELL, seed=100),
        Species(kind="barnacle", cell_m=0.021, half_m=(0.0052, 0.0115), colours=_SHELL, seed=120),
        Species(kind="barnacle", cell_m=0.043, half_m=(0.0105, 0.0235), colours=_SHELL, seed=140),
    ),
    "worms": tuple(
        Species(kind="worm", cell_m=0.036, half_m=(0.014, 0.032), colours=_LIME, seed=200 + 20 * layer)
        for layer in range(3)
    ),
    "lobes": (
        Species(kind="lobes", cell_m=0.055, half_m=(0.010, 0.030), colours=_SQUIRTS, seed=300),
        Species(kind="lobes", cell_m=0.11, half_m=(0.030, 0.062), colours=_SQUIRTS, seed=320),
    ),
    "mussels": (
        Species(kind="mussels", cell_m=0.050, half_m=(0.020, 0.042), colours=_MUSSEL, seed=400),
        Species(kind="mussels", cell_m=0.072, half_m=(0.034, 0.060), colours=_MUSSEL, seed=420),
    ),
    "weed": (
        Species(kind="weed", cell_m=0.055, half_m=(0.020, 0.050), colours=_OLIVE, upright=True, seed=500),
        Species(kind="weed", cell_m=0.085, half_m=(0.040, 0.085), colours=_WEED, upright=True, seed=520),
    ),
}
_COARSE_COLOURS = {name: np.mean(kinds[0].colours, axis=0).astype(np.float32) for name, kinds in SPECIES.items()}


@dataclass(frozen=True, slots=True)
class Growth:
    """Fields on a grid, 0 to 1.

    Attributes:
        film: slime.
        turf: a felt of hydroids and algae that hides the paint.
        ages: of the colonies of each group of ``SPECIES``; 0 where there is none, 1 in the middle of an old one.
    """

    film: Image
    turf: Image
    ages: dict[str, Image]

    @classmethod
    def made(cls, grid: Grid, fouling: float, broken: Image, waterline_v_m: float, seed: int) -> Growth:
        """The fields of a hull that is fouled to a degree; ``broken`` says where the coat no longer protects."""
        us, vs = grid.us, grid.vs
        below = (waterline_v_m - np.abs(vs)).astype(np.float32)[:, None]
        flow = fractal(us, vs, 3.6, 4, seed + 52, stretch=0.32, exact=True)
        spot = fractal(us, vs, 0.8, 3, seed + 53, exact=True)
        ragged = fractal(us, vs, 0.16, 2, seed + 51, exact=True)
        edge = below + 0.10 * spot + 0.22 * flow  # no belt ends on a straight line
        belt = np.exp(-(((edge - 0.9) / 0.8) ** 2))
        favour = 0.55 * flow + 0.30 * spot + 0.55 * belt + 1.9 * broken + 2.6 * fouling - 1.9
        open_ = np.clip(favour * 1.2 + 0.5, 0, 1)

        def colonies(sizes: tuple[float, ...], share: float, offset: int) -> Image:
            """Age of round colonies, larger where growth is favoured."""
            age = np.zeros(flow.shape, np.float32)
            for size in sizes:
                distance, lot = cells(us, vs, size, seed + offset + int(size * 100))
                radius = size * (0.12 + 0.45 * lot**1.7) * (0.35 + 0.75 * open_)
                present = lot < share * np.clip(0.15 + 1.1 * open_, 0, 1)
                age = np.maximum(age, np.clip(1.25 * (1 - distance / radius * (1 + 0.22 * ragged)), 0, 1) * present)
            return np.asarray(age, np.float32)

        shells = colonies((1.5, 0.55, 0.21), 0.35 + 0.65 * fouling, 60)
        shells = np.maximum(shells, np.clip(favour - 0.9, 0, 1))
        on_bottom = np.clip((below - 0.35 * waterline_v_m) / max(0.3 * waterline_v_m, 0.5) + 0.35 * spot, 0, 1)
        worms = colonies((1.2, 0.4), 0.25 + 0.7 * fouling, 70) * np.clip(on_bottom + 0.2 * flow, 0, 1)
        worms = np.maximum(worms, broken * np.clip(0.25 + 1.2 * fouling + 0.35 * spot, 0, 1))
        squirts = colonies((1.9, 0.7), np.clip(1.1 * fouling - 0.12, 0, 0.9), 80) * np.clip(below / 1.2 - 0.4, 0, 1)
        beds = colonies((1.4, 0.6), np.clip(1.2 * fouling - 0.35, 0, 0.8), 90) * np.exp(-((edge - 1.3) ** 2) / 1.8)
        fringe = np.exp(-np.maximum(edge - 0.05, 0) / 0.40) * np.clip(0.15 + 1.6 * fouling + 0.3 * flow, 0, 1)
        fringe = np.maximum(fringe, colonies((0.9, 0.35), 0.55 * fouling, 95) * 0.6)
        fringe *= np.clip(0.55 + 0.9 * spot, 0, 1.3)
        film = np.clip(0.16 + 1.15 * fouling + 0.30 * flow + 0.22 * spot + 0.25 * np.exp(-edge / 1.5), 0, 1)
        turf = np.clip((favour - 0.60 + 0.22 * ragged) * 1.1, 0, 1) * np.clip(1.7 * fouling, 0, 1)
        ages = {"barnacles": shells, "worms": worms, "lobes": squirts, "mussels": beds, "weed": fringe}
        return cls(
            (film * fouling**0.55).astype(np.float32),
            turf.astype(np.float32),
            {name: np.asarray(age, np.float32) for name, age in ages.items()},
        )


def grow(
    growth: Growth, grid: Grid, us: Axis, vs: Axis, soft: Grid, albedo: Image, relief: Image, fouling: float, seed: int
) -> None:
    """Cover a painted page with film, felt and organisms, in place."""
    if fouling <= 0:
        return
    step = float(us[1] - us[0])
    _film(growth, grid, us, vs, soft, albedo, relief, seed)
    for name, kinds in SPECIES.items():
        age = growth.ages[name]
        if not age.any():
            continue
        for order, species in enumerate(kinds):
            chance = _chance(name, order, len(kinds), age, fouling)
            if species.half_m[1] < 1.1 * step:  # too small to be drawn: its share of the pixel
                size = (species.half_m[0] + species.half_m[1]) / 2
                cover = grid.on(chance * np.float32(min(2.0 * (size / species.cell_m) ** 2, 0.8)), us, vs)[..., None]
                albedo += (_COARSE_COLOURS[name] - albedo) * cover
                continue
            stamp(species.kind, settle(species, us, vs, grid, chance, age, seed), us, vs, albedo, relief)


def _chance(name: str, order: int, classes: int, age: Image, fouling: float) -> Image:
    """Probability that a candidate of a size class settled, by the age of the colony at its place."""
    if name == "barnacles":  # sorted by size: the large ones stand in the middle
        stray = np.float32((0.012, 0.003, 0.0006)[order] * fouling)
        return np.asarray(
            np.clip((age - (0.0, 0.10, 0.42)[order]) * (1.5, 1.25, 1.3)[order], 0, 0.92) + stray, np.float32
        )
    if name == "worms":
        return np.asarray(np.clip(age * 0.9, 0, 0.8) + 0.004 * fouling, np.float32)
    return np.asarray(np.clip((age - 0.25 * order) * 1.1, 0, 0.9), np.float32)


def _film(growth: Growth, grid: Grid, us: Axis, vs: Axis, soft: Grid, albedo: Image, relief: Image, seed: int) -> None:
    film, turf = grid.on(growth.film, soft.us, soft.vs), grid.on(growth.turf, soft.us, soft.vs)
    cloud = fractal(soft.us, soft.vs, 0.30, 4, seed + 43, gain=0.6, stretch=0.6)
    film *= np.clip(0.85 + 0.22 * cloud, 0, 1.2) * (1 - 0.9 * _wiped(soft.us, soft.vs, seed))
    mix = np.clip(0.3 + 0.6 * turf + 0.25 * cloud, 0, 1)[..., None]
    colour = np.array(_SLIME, np.float32) * (1 - mix) + np.array(_BROWN, np.float32) * mix
    layers = np.dstack([colour, np.clip(0.80 * film, 0, 0.9)[..., None]]).astype(np.float32)
    layers = soft.on(layers, us, vs)
    albedo += (layers[..., :3] - albedo) * layers[..., 3:]
    if float(turf.max()) > 0.02:
        felt = fractal(us, vs, 0.04, 3, seed + 45, gain=0.85)
        cover = np.clip(soft.on(turf, us, vs) * 1.6 - 0.3 + 0.16 * felt, 0, 0.95)
        albedo += (np.array(_TURF, np.float32) * (1 + 0.30 * felt)[..., None] - albedo) * cover[..., None]
        relief += (0.0022 * cover * felt).astype(np.float32)


_STROKE_CELL_M = 1.7


def _wiped(us: Axis, vs: Axis, seed: int) -> Image:
    """Strokes, 0 to 1, where something rubbed along: bent swathes with ragged ends and the lines of fingers in them."""
    u, v = us.astype(np.float32)[None, :], vs.astype(np.float32)[:, None]
    total = np.zeros((v.shape[0], u.shape[1]), np.float32)
    iu = np.arange(int(np.floor(us[0] / _STROKE_CELL_M)) - 1, int(np.floor(us[-1] / _STROKE_CELL_M)) + 2)
    iv = np.arange(int(np.floor(vs[0] / _STROKE_CELL_M)) - 1, int(np.floor(vs[-1] / _STROKE_CELL_M)) + 2)
    iu, iv = (axis.ravel() for axis in np.meshgrid(iu, iv))
    lots = np.stack([hash01(iu, iv, seed + 600 + k) for k in range(8)])
    if len(iu) > 400:  # a view of the whole hull: strokes are below its pixels
        return np.zeros((len(vs), len(us)), np.float32)
    for at in np.flatnonzero(lots[0] < 0.42):
        lot = lots[:, at]
        centre_u, centre_v = (iu[at] + lot[1]) * _STROKE_CELL_M, (iv[at] + lot[2]) * _STROKE_CELL_M
        turn = (lot[3] - 0.5) * 1.3 + (np.pi / 2 if lot[4] > 0.7 else 0.0)
        half_length, half_width = 0.15 + 0.75 * lot[5] ** 2, 0.02 + 0.09 * lot[6] ** 2
        if abs(centre_u - u.mean()) > half_length + np.ptp(u) / 2 + 0.2:
            continue
        du, dv = u - np.float32(centre_u), v - np.float32(centre_v)
        along = (np.cos(turn) * du + np.sin(turn) * dv) / np.float32(half_length)
        across = (np.cos(turn) * dv - np.sin(turn) * du) / np.float32(half_width) + (lot[7] - 0.5) * 3 * along * along
        fingers = 0.75 + 0.25 * np.sin(across * (7 + 6 * lot[7]) + 5 * lot[1])
        body = np.clip(1.4 - 1.4 * np.abs(along) ** 3, 0, 1) * np.clip((1 - np.abs(across)) * 4, 0, 1)
        total = np.maximum(total, body * fingers)
    return total
