"""The creation of clusters, empty or from a recovery point: steps, and what carries them out."""
