"""Keep bundles, their versions and their lineage."""

from millrace.registry.base import ModelRegistry, open_registry
from millrace.registry.bundle import Bundle, build_bundle, read_card
from millrace.registry.card import BundleManifest, Card, Lineage
from millrace.registry.champion import Champion, find_champion
from millrace.registry.published import bundle_key, open_bundle, publish_bundle
from millrace.registry.register import register_candidate
from millrace.registry.registration import Candidate, Registration

__all__ = [
    "Bundle",
    "BundleManifest",
    "Candidate",
    "Card",
    "Champion",
    "Lineage",
    "ModelRegistry",
    "Registration",
    "build_bundle",
    "bundle_key",
    "find_champion",
    "open_bundle",
    "open_registry",
    "publish_bundle",
    "read_card",
    "register_candidate",
]
