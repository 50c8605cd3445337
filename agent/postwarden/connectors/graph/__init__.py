"""The source kind `graph`: a Microsoft 365 tenant over Microsoft Graph, read-only.

Grade: v1.0 is checked against Microsoft's published description and a server of our own; no tenant was reached.
"""
