"""Training and test frames with exact labels, from the simulator's own scene.

Ships differ (form, coating, age, growth), and a split owns whole ships. Each frame draws its water, lamps, lens
and place anew. About half of the frames show a parcel, more than half something that may be taken for one; at least a
quarter show open water, the ship's edges or holes: rudder, propeller, tunnels and sea chests among them, each also with
a parcel on it or in it. A box comes from the visible pixels of the object; where it can hardly be seen it is marked
``ignore``, and the frame is left out of the training split.
"""

from hullscan_sim.dataset.boxes import Box
from hullscan_sim.dataset.files import DatasetRequest, make_dataset
from hullscan_sim.dataset.ships import Shot, ship_shots
from hullscan_sim.dataset.shots import HEIGHT_PX, WIDTH_PX

__all__ = ["HEIGHT_PX", "WIDTH_PX", "Box", "DatasetRequest", "Shot", "make_dataset", "ship_shots"]
