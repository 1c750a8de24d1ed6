"""Jobs of many transactions, recorded and resumed."""
