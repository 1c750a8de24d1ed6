"""Rules of tables: CREATE TABLE, ALTER TABLE, their columns, constraints and indexes."""
