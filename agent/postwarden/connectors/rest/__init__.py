"""One small client for the cloud's JSON interfaces: what may leave, how often, and what may come back."""
