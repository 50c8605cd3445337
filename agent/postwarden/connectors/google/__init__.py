"""The source kind `google`: a Google Workspace domain over its Directory, Reports and Gmail interfaces, read-only.

Grade: checked against Google's discovery documents and a server of our own; no domain was reached.
"""
