"""The receiver of a cluster's prediction events: of two senders, kept in one shape."""
