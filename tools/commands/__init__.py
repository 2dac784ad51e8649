"""The subcommands of ``wireproof``, each in a module of its own, loaded when it is asked for."""
