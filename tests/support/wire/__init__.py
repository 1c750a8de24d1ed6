"""A PostgreSQL proxy that ends TLS, counts round trips and plays scripted faults.

`proxy` relays between clients and a PostgreSQL; `faults` says what goes wrong, and when; `messages` frames
the protocol (PostgreSQL documentation, "Frontend/Backend Protocol").
"""
