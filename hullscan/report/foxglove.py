"""A mission as MCAP with Foxglove's message types: video, vehicle, hull, findings and events on one time line.

Foxglove and other viewers of robot data play it back. Frames: ``view`` is the ship for a viewer, x forward, y to port,
z up; below it hang ``ship`` (x forward, y to starboard, z down) and ``vehicle`` (forward, right, down).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.mission.model import load_mission
from hullscan.record.events import read_events
from hullscan.record.results import read_result
from hullscan.report.source import Source
from hullscan.video.container import coded_pictures
from hullscan.video.index import load_index

__all__ = ["write_mcap"]

_SEA, _WARM = (0.17, 0.44, 0.56, 1.0), (0.78, 0.25, 0.12, 0.85)  # of the report
_LEVELS: Final = {"ended": 4, "warning": 3, "seeing": 3}
_INFO: Final = 2

Message = tuple[float, str, Any]
"""Mission time, topic, message."""


def write_mcap(source: Source, out: Path) -> list[Path]:
    """Write ``mission.mcap``.

    Raises:
        InputError: the extra ``mcap`` is not installed.
        RecordError, VideoError: the folder's files cannot be read.
    """
    if (
        importlib.util.find_spec("mcap_protobuf") is None
        or importlib.util.find_spec("foxglove_schemas_protobuf") is None
    ):
        raise InputError("MCAP needs an extra that is not installed", todo="pip install 'hullscan[mcap]'")
    from mcap.writer import CompressionType
    from mcap_protobuf.writer import Writer

    path = out / "mission.mcap"
    start_s = _start_s(source)
    with path.open("wb") as file, Writer(file, compression=CompressionType.ZSTD) as writer:
        for messages in (
            _hull(source, start_s),
            _way(source),
            _findings(source, start_s),
            _events(source),
            _video(source),
        ):
            for utc_s, topic, message in messages:
                time_ns = round(utc_s * 1e9)
                writer.write_message(topic, message, log_time=time_ns, publish_time=time_ns)
    return [path]


def _start_s(source: Source) -> float:
    points = read_result(source.folder.path / "track.json")["points"]
    return float(points[0][0]) if points else 0.0


def _stamp(utc_s: float) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    stamp = Timestamp()
    stamp.FromNanoseconds(round(utc_s * 1e9))
    return stamp


def _transform(utc_s: float, parent: str, child: str, position_m: Any, rotation: Rotation) -> Message:
    from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
    from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion
    from foxglove_schemas_protobuf.Vector3_pb2 import Vector3

    x, y, z, w = (float(value) for value in rotation.as_quat())
    message = FrameTransform(
        timestamp=_stamp(utc_s),
        parent_frame_id=parent,
        child_frame_id=child,
        translation=Vector3(x=float(position_m[0]), y=float(position_m[1]), z=float(position_m[2])),
        rotation=Quaternion(x=x, y=y, z=z, w=w),
    )
    return utc_s, "/tf", message


def _way(source: Source) -> Iterator[Message]:
    from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix

    track = read_result(source.folder.path / "track.json")
    located = "lat_deg" in track["columns"]
    upside_down = Rotation.from_euler("x", 180, degrees=True)
    for point in track["points"]:
        utc_s, x, y, z, yaw_deg = point[:5]
        yield _transform(utc_s, "view", "ship", (0.0, 0.0, 0.0), upside_down)
        yield _transform(utc_s, "ship", "vehicle", (x, y, z), Rotation.from_euler("z", yaw_deg, degrees=True))
        if located:
            fix = LocationFix(
                timestamp=_stamp(utc_s), frame_id="vehicle", latitude=point[5], longitude=point[6], altitude=-z
            )
            yield utc_s, "/vehicle/location", fix


def _hull(source: Source, start_s: float) -> Iterator[Message]:
    from foxglove_schemas_protobuf.Color_pb2 import Color
    from foxglove_schemas_protobuf.Point3_pb2 import Point3
    from foxglove_schemas_protobuf.SceneEntity_pb2 import SceneEntity
    from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
    from foxglove_schemas_protobuf.TriangleListPrimitive_pb2 import TriangleListPrimitive

    hull = load_mission(source.folder.mission_file).hull
    red, green, blue, _ = _SEA
    shell = TriangleListPrimitive(
        points=[Point3(x=float(x), y=float(y), z=float(z)) for x, y, z in hull.vertices_m],
        indices=[int(index) for index in np.ravel(hull.faces)],
        color=Color(r=red, g=green, b=blue, a=0.6),
    )
    entity = SceneEntity(timestamp=_stamp(start_s), frame_id="ship", id="hull", triangles=[shell])
    yield start_s, "/hull", SceneUpdate(entities=[entity])


def _findings(source: Source, start_s: float) -> Iterator[Message]:
    """Each finding from the moment of its first picture on; its pictures with their boxes at theirs."""
    from foxglove_schemas_protobuf.Color_pb2 import Color
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
    from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations
    from foxglove_schemas_protobuf.Point2_pb2 import Point2
    from foxglove_schemas_protobuf.PointsAnnotation_pb2 import PointsAnnotation
    from foxglove_schemas_protobuf.Pose_pb2 import Pose
    from foxglove_schemas_protobuf.SceneEntity_pb2 import SceneEntity
    from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
    from foxglove_schemas_protobuf.SpherePrimitive_pb2 import SpherePrimitive
    from foxglove_schemas_protobuf.TextPrimitive_pb2 import TextPrimitive
    from foxglove_schemas_protobuf.Vector3_pb2 import Vector3

    warm = Color(r=_WARM[0], g=_WARM[1], b=_WARM[2], a=_WARM[3])
    for finding in source.all:
        shown_s = min((float(frame["utc_s"]) for frame in finding["frames"]), default=start_s)
        x, y, z = (float(value) for value in finding["position_ship_m"])
        width = 2 * float(finding["radius95_m"])
        pose = Pose(position=Vector3(x=x, y=y, z=z))
        pose.orientation.w = 1.0
        ball = SpherePrimitive(pose=pose, size=Vector3(x=width, y=width, z=width), color=warm)
        name = TextPrimitive(
            pose=pose, billboard=True, font_size=14, scale_invariant=True, color=Color(r=1, g=1, b=1, a=1),
            text=f"{source.title(finding)}\n{source.place(finding)}",
        )  # fmt: skip
        entity = SceneEntity(
            timestamp=_stamp(shown_s), frame_id="ship", id=str(finding["id"]), spheres=[ball], texts=[name]
        )
        yield shown_s, "/findings", SceneUpdate(entities=[entity])
        for frame in finding["frames"]:
            utc_s = float(frame["utc_s"])
            stamp, raw = _stamp(utc_s), (source.folder.path / frame["file"]).read_bytes()
            yield utc_s, "/findings/picture", CompressedImage(timestamp=stamp, frame_id="cam", data=raw, format="jpeg")
            x0, y0, x1, y1 = (float(value) for value in frame["box_xyxy_px"])
            corners = [Point2(x=u, y=v) for u, v in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
            box = PointsAnnotation(
                timestamp=stamp, type=PointsAnnotation.LINE_LOOP, points=corners, outline_color=warm, thickness=2
            )
            yield utc_s, "/findings/box", ImageAnnotations(points=[box])


def _events(source: Source) -> Iterator[Message]:
    from foxglove_schemas_protobuf.Log_pb2 import Log

    for event in read_events(source.folder.events):
        if isinstance(event.get("utc_s"), (int, float)):
            kind = str(event.get("kind", ""))
            level: Any = _LEVELS.get(kind, _INFO)  # an enumeration of protobuf
            utc_s = float(event["utc_s"])
            yield (
                utc_s,
                "/events",
                Log(timestamp=_stamp(utc_s), level=level, name=kind, message=str(event.get("words", ""))),
            )


def _video(source: Source) -> Iterator[Message]:
    """The recording as it is, picture by picture, at the mission time of each."""
    from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo

    for path in sorted(source.folder.video.glob("*.mkv")):
        index = load_index(path)
        if index is None:
            continue
        for stream_s, raw in coded_pictures(path):
            utc_s = index.utc_s(round(stream_s * 1000))
            yield utc_s, "/video", CompressedVideo(timestamp=_stamp(utc_s), frame_id="cam", data=raw, format="h264")
