"""What supervisors do: see how readers read, sign off, hand over. Readers see their own measures when they are done."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hullscan.errors import InputError
from hullscan.report.exports import export_mission
from hullscan.review.access import Refused, Shared, json_body, person_of, supervisor_of
from hullscan.review.measures import Score, measure
from hullscan.review.places import DeskMission
from hullscan.review.readers import Role
from hullscan.review.signing import sign_off

__all__ = ["handed_over", "oversight_routes"]


def oversight_routes(shared: Shared) -> list[Route]:
    """Routes for those who answer for the reading."""
    oversight = _Oversight(shared)
    return [
        Route("/api/measures", oversight.measures),
        Route("/api/sign-off", oversight.sign_off, methods=["POST"]),
        Route("/export/{mission}/{form}", oversight.export),
    ]


class _Oversight:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def measures(self, request: Request) -> Response:
        """Measures by reader and mission, the earliest first.

        A reader sees their own, of missions in which nothing is left for them: earlier, they would tell too much.
        """
        person = person_of(request)
        if person.role is Role.GUEST:
            raise Refused(403, "this is not for guests")
        missions = sorted(self._shared.missions.values(), key=lambda each: each.start_utc)
        rows, totals = [], dict[str, Score]()
        for mission in missions:
            for name, score in _scores(mission).items():
                if person.role is Role.READER and (name != person.name or not _finished(mission, name)):
                    continue
                totals[name] = totals[name] + score if name in totals else score
                rows.append(
                    {
                        "mission": mission.name,
                        "ship": mission.ship,
                        "date": mission.start_utc[:10],
                        **_told(name, score),
                    }
                )
        return JSONResponse({"rows": rows, "totals": [_told(name, score) for name, score in sorted(totals.items())]})

    async def sign_off(self, request: Request) -> Response:
        """Close a mission; its readings are written and sealed."""
        person = supervisor_of(request)
        mission = self._shared.mission(str((await json_body(request)).get("mission")), person)
        path = await run_in_threadpool(sign_off, mission, person.name, self._shared.key, self._shared.clock)
        return JSONResponse({"sealed": path.parent.name})

    async def export(self, request: Request) -> Response:
        """Findings for others, as a file to keep: what was signed off is in it."""
        person = supervisor_of(request)
        mission = self._shared.mission(request.path_params["mission"], person)
        form, language = request.path_params["form"], self._shared.language(request)
        if form not in handed_over(mission, self._shared.options.seal_key):
            raise Refused(404, "there is no such format")
        mission.store.audit("exported", {"reader": person.name, "format": form})
        name, raw = await run_in_threadpool(_exported, mission, form, language, self._shared.options.seal_key)
        kind = "text/html" if name.endswith(".html") else "application/octet-stream"
        return Response(raw, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _scores(mission: DeskMission) -> dict[str, Score]:
    readings, places = mission.store.all(), list(mission.places.values())
    names = sorted({each.reader for given in readings.values() for each in given})
    return {name: measure(name, places, readings) for name in names}


def _finished(mission: DeskMission, reader: str) -> bool:
    readings = mission.store.all()
    return mission.store.signed_off() is not None or not any(
        mission.store.asks(reader, readings.get(identity, [])) for identity in mission.places
    )


def _told(name: str, score: Score) -> dict[str, object]:
    d_prime = score.d_prime
    return {
        "reader": name, "places": score.places, "planted": score.planted, "hits": score.hits, "bare": score.bare,
        "false_calls": score.false_calls, "looked_s": None if score.looked_s is None else round(score.looked_s, 1),
        "d_prime": None if d_prime is None else round(d_prime, 2),
    }  # fmt: skip


def handed_over(mission: DeskMission, seal_key: Path | None) -> list[str]:
    """What a supervisor can take away from this mission."""
    flash = ["flash"] if any(mission.folder.path.glob("alerts/*.html")) else []
    return [*flash, "diver", *(["share"] if seal_key is not None else []), "csv", "geojson", "kml", "coco"]


def _exported(mission: DeskMission, form: str, language: str, seal_key: Path | None) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="hullscan-export-") as made:
        out = Path(made)
        if form == "flash":
            files, home = sorted(mission.folder.path.glob(f"alerts/*.{language}.html")), mission.folder.path
        else:
            paths = export_mission(mission.folder, form, out, seal_key or out / "unused", language)
            files = sorted(each for path in paths for each in ([path] if path.is_file() else path.rglob("*")))
            home = out
        written = [path for path in files if path.is_file()]
        if not written:
            raise InputError("there is nothing to export")
        if len(written) == 1:
            return f"{mission.name}-{written[0].name}", written[0].read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in written:
                archive.write(path, path.relative_to(home).as_posix())
        return f"{mission.name}-{form}.zip", packed.getvalue()
