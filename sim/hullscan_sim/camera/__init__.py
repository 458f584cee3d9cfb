"""The simulated camera: hull, parcels, lamps and turbid water on a CPU."""
