"""The executable reference stack: generated rules and the small hand-written host around them."""
