"""`weights=`: build the network that weights are of, and load them."""
