"""Tables for the terminal and documents, and the looks of figures."""
