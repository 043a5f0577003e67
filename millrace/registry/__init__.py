"""Keep bundles, their versions and their lineage."""
