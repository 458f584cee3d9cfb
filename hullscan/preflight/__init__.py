"""Before the motors may turn: go, caution or no-go, each with what was measured, what is wanted and what to do."""
