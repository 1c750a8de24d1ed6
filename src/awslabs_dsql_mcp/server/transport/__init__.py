"""The lines between the client and the server: read, taken apart, answered."""
