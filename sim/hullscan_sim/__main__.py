"""``python -m hullscan_sim``."""

from hullscan_sim.cli import main

if __name__ == "__main__":  # the camera's process imports this module again
    main()
