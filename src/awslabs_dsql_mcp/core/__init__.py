"""What is true: no await, no clock, no socket, no framework."""
