"""Cloud providers of our own for demo, tests and benchmarks: Microsoft's, Google's and a Keycloak, from one state."""
