"""A workload's release: the files in the deploy repository, and every change to them."""
