"""A BlueROV2-class vehicle beside a ship, reached only over MAVLink, DVL JSON and RTP."""
