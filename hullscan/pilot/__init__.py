"""Hull registration, guidance, safety and the survey as a state machine."""
