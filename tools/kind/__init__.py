"""The platform on a Kubernetes of this machine: `make kind-up`, `kind-apply`, `kind-down`."""
