"""The tools that an agent can call, one module each."""
