"""The history: what logs told, kept for questions that nobody asks yet. Primary data: logs rotate away.

One SQLite file. What came is only ever added; a day of arrival is closed with a digest that the ledger signs. A log's
cursor is stored together with what was made of it, so that nothing is there twice and nothing is lost.
"""
