"""The vehicle: MAVLink link, telemetry, DVL. The only room that knows MAVLink."""
