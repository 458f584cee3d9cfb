"""The ship: her form as a surface with hull coordinates, and what is fitted to it."""
