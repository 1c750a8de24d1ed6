"""Facts about a whole script that its conversion needs."""
