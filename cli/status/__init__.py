"""What serves right now: gathered from Git, the running platform and the metrics, and shown."""
