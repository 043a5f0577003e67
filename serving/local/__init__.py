"""The platform without a cluster."""
