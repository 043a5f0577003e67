"""Features of entities, read from the online store by a bundle's lookup plan, without Feast."""

from serving.predictor.lookup.base import Column, Key, OnlineStore, OnlineStoreDown, Value
from serving.predictor.lookup.connect import open_online_store

__all__ = ["Column", "Key", "OnlineStore", "OnlineStoreDown", "Value", "open_online_store"]
