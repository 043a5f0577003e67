"""Hold a snapshot to its contract: accepted records go on, broken ones to quarantine."""
