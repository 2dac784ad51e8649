"""A network interface as hardware would do it; imports nothing of ours."""
