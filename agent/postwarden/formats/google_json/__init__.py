"""Answers of Google's Directory, Reports and Gmail interfaces, as JSON, into evidence and gaps.

Grade: checked against Google's discovery documents; no domain was reached.
"""
