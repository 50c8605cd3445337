"""Answers of Exchange Online's cmdlets, as JSON, into evidence and gaps.

Grade: from documentation of the cmdlets only; the endpoint itself (`InvokeCommand`) is not documented.
"""
