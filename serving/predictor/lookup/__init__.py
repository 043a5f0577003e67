"""Features of entities, read from the online store by a bundle's lookup plan, without Feast."""

from serving.predictor.lookup.base import Key, OnlineStore, OnlineStoreDown, Value, Values
from serving.predictor.lookup.connect import open_online_store

__all__ = ["Key", "OnlineStore", "OnlineStoreDown", "Value", "Values", "open_online_store"]
