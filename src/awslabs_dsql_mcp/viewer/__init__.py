"""The command ``view``: a query editor in the browser, made of the tools and their views."""
