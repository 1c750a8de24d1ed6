"""Values of a script written as the types hold them that their columns have on Aurora DSQL."""
