"""hullscan: search a ship's hull with an underwater drone and say how well it was searched."""

__version__ = "0.1.0"
