"""A picture that stands still: an encoder that sends the same one again is no live camera."""

from __future__ import annotations

import numpy as np
import pytest

from hullscan.findings.sightings import Looker
from hullscan.video.frames import Frame
from hullscan.video.still import StillPicture
from hullscan.vision.detections import Detections

RNG = np.random.default_rng(4)
SCENE = RNG.integers(20, 180, (45, 80, 3)).repeat(8, axis=0).repeat(8, axis=1).astype(np.int16)


def live(noise: float = 3.0, shift_px: int = 0) -> np.ndarray:
    picture = np.roll(SCENE, shift_px, axis=1) + RNG.normal(size=SCENE.shape) * noise
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("noise", "drawn", "still_s"),
    [
        pytest.param(3.0, 50, 0.0, id="noise alone tells a live picture of a wall from a still one"),
        pytest.param(3.0, 10, 4.0, id="the eleventh picture and all after it are the tenth"),
        pytest.param(0.3, 10, 4.9, id="what the encoder makes of the same picture hardly differs"),
    ],
)
def test_for_how_long_it_has_been_the_same_picture(noise: float, drawn: int, still_s: float) -> None:
    watch, picture = StillPicture(), live(noise)
    for index in range(50):
        picture = live(noise) if index < drawn else picture
        watch.take(picture, 100.0 + 0.1 * index)
    assert watch.still_s == pytest.approx(still_s, abs=0.11)


def test_pictures_that_stop_are_not_a_still_picture() -> None:
    watch = StillPicture()
    watch.take(live(), 100.0)
    assert watch.still_s == 0.0


class Nothing:
    """Finds nothing."""

    model_sha256 = ""

    def detect(self, image_bgr: np.ndarray) -> Detections:
        return Detections.none(("parcel",))


@pytest.mark.parametrize(
    ("moves_m", "frozen", "suspect"),
    [
        pytest.param(0.1, True, True, id="the vehicle moves and the picture does not"),
        pytest.param(0.1, False, False, id="both move"),
        pytest.param(0.0, True, False, id="neither moves: the first look counted already"),
    ],
)
def test_a_look_at_a_still_picture_never_counts(moves_m: float, frozen: bool, suspect: bool) -> None:
    looker, picture = Looker(Nothing()), live()
    looks = []
    for index in range(2):
        image = picture if frozen else live()
        frame = Frame(utc_s=100.0 + index, stream_s=float(index), index=index, image_bgr=image, suspect=False)
        looks.append(looker.look(frame, np.array([moves_m * index, 0.0, 0.0]), 0.0)[0])
    assert [look.suspect for look in looks] == [False, suspect]
