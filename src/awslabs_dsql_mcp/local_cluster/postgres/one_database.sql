-- A cluster has one database, postgres, and none that others are made from.

UPDATE pg_database SET datistemplate = false WHERE datname IN ('template0', 'template1');

DROP DATABASE IF EXISTS template0;

DROP DATABASE IF EXISTS template1;
