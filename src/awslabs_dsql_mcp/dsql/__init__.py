"""Facts about Aurora DSQL as data."""
