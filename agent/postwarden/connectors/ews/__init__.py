"""The source kind `ews`: Exchange over Exchange Web Services, read-only.

Grade: checked against the published schema and a server of our own that works from a state model; no real
Exchange was reached.
"""
