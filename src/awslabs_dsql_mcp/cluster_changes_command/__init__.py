"""``awslabs-dsql-mcp clusters create`` and its kind: a person's or a script's changes of clusters.

They are what the tools ``create_cluster`` and ``change_cluster`` make, by the same rules, but for who
decides: what is typed is asked for; deletion and the end of its protection are asked about at a terminal.
"""
