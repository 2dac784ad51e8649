"""The specification language, the specifications written in it, and the backends that read them."""
