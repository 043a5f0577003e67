"""Write a new workload that runs as it is: a few commented files and made-up records."""

from cli.scaffold.write import scaffold

__all__ = ["scaffold"]
