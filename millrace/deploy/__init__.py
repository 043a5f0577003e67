"""The deploy repository: what serves, and the pull requests that change it."""
