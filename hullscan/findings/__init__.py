"""From a sighting in pixels to a finding on the hull."""
