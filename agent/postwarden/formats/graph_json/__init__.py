"""Answers of Microsoft Graph, as JSON, into evidence and gaps.

Grade: v1.0 is checked against Microsoft's published description of it; no tenant was reached.
"""
