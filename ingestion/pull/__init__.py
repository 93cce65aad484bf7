"""Fetching what senders leave at their own places, and what statistics services answer, into landing.

Belongs here: places, retries, archives, the shapes of services. Does not belong here: entries (`ingestion.sender`),
or what becomes of a file once it has landed (`ingestion.pipeline`).
"""
