"""The source kind `log_files`: logs in files, followed through rename, truncation and compression.

Observed live: our tests write, rotate, truncate and compress real files while they are followed.
"""
