"""Build the container images: `python -m tools.images [ROLE...]`."""
