"""The command line and the maintenance programs."""
