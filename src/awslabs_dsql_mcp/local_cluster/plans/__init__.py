"""Plans of PostgreSQL's EXPLAIN, written as Aurora DSQL writes them.

Text in, text out: `plan_text` reads and writes the lines, `conditions` takes conditions apart, `relations`
has what the catalog tells of indexes, `storage_nodes` draws the nodes of the storage, `dpu_estimate` adds the
estimate of a statement's DPUs.
"""
