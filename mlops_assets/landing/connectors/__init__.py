"""Connectors: one interface to folders, buckets, manifests, databases, streams and what you have.

Each kind is one file. A connector lists what there is behind a cursor and opens one item; that each
item is stated once, bounds, retries and restarts are the platform's, see `landing.registering`.
"""

from mlops_assets.landing.connectors.connector import Connector, Item, Page, Scratch, path_of

__all__ = ["Connector", "Item", "Page", "Scratch", "path_of"]
