"""Findings: their ids, their life, and the state store that indexes them."""
