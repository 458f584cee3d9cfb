"""Search theory and the hull's cells: what was planned to be seen, and what was seen."""
