"""Video: receiving, recording, reading. The only room that knows PyAV."""
