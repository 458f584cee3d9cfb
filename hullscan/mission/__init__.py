"""The mission file, vehicle profiles, patterns and the plan."""
