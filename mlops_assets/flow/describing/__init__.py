"""What a flow field says and how far it can be believed: narrow numbers, never blobs.

Numbers in, numbers out; nothing here solves for flow or knows a table.
"""
