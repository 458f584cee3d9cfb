"""What chosen passes leave of each zone, and how many minutes more would bring it in."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from hullscan.geometry.frames import Array
from hullscan.mission.tour import Passes, Travel, missed_by_all
from hullscan.search.zones import HullZones

__all__ = ["shortfall"]

_IN = 0.8  # of what all passes together could give a zone
_LEAST_REACH = 0.05


def shortfall(passes: Passes, taken: list[int], zones: HullZones, travel: Travel) -> tuple[Array, Array]:
    """(zones,) minutes that would bring each zone in, and (zones,) POD if every pass were flown.

    A zone is in when it has four fifths of what all passes together could give it. The minutes are those of the
    passes needed, the best first, and of one detour there and back.
    """
    count = len(zones.zones)
    asymptote, share = passes.asymptote, passes.share
    prior = np.maximum(zones.share(share), 1e-12)
    before = np.ones(len(share)) if passes.missed is None else passes.missed
    all_missed = before * missed_by_all(passes.pod, asymptote)
    missed = before * passes.missed_by(taken)
    reach = zones.share(share * asymptote * (1 - all_missed)) / prior
    have = zones.share(share * asymptote * (1 - missed)) / prior
    # (passes, zones) what each pass adds to each zone now
    of_zone = csr_array((np.ones(len(share)), (np.arange(len(share)), zones.of_cell)), shape=(len(share), count))
    adds = passes.pod.multiply((share * missed)[None]).tocsr() @ of_zone
    adds = np.asarray(adds.todense()) / prior
    cost = passes.duration_s + travel.settle_s
    at = passes.ends_m[taken].reshape(-1, 3) if taken else travel.launch_m[None]
    more = np.zeros(count)
    for zone in range(count):
        wanted = _IN * reach[zone]
        if reach[zone] < _LEAST_REACH:
            more[zone] = np.nan
        elif have[zone] < wanted:
            gain = adds[:, zone]
            order = np.argsort(-gain / cost, kind="stable")
            order = order[gain[order] > 0]
            enough = int(np.searchsorted(np.cumsum(gain[order]), wanted - have[zone])) + 1
            chosen = order[:enough]
            detour = np.linalg.norm(passes.ends_m[chosen].reshape(-1, 1, 3) - at[None], axis=2).min()
            more[zone] = (float(cost[chosen].sum()) + 2 * float(detour) / travel.speed_mps) / 60
    return more, reach
