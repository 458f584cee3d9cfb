"""The mission folder: written while it happens, replayed afterwards."""
