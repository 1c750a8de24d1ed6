"""What tools answer, as lines and values, where it is more than the rows of a result."""
