"""AWS Backup on a local account: vaults, recovery points, and the jobs that make and restore them."""
