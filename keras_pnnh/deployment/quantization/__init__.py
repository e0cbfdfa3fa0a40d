"""What makes a network keep its accuracy in 8-bit integers."""
