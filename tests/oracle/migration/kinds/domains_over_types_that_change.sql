CREATE DOMAIN price AS money CONSTRAINT positive CHECK (VALUE > '0'::money) DEFAULT 3::money;
CREATE DOMAIN discounted AS price CHECK (VALUE < '$1,000'::money);
CREATE DOMAIN local_address AS inet CONSTRAINT is_local CHECK (VALUE << '10.0.0.0/8'::inet);
CREATE DOMAIN flags AS bit(3) CHECK (VALUE <> B'000') DEFAULT B'101';
CREATE DOMAIN pair AS int[] NOT NULL CHECK (array_length(VALUE, 1) = 2) DEFAULT '{0,0}';
CREATE DOMAIN page AS xml CHECK (VALUE IS DOCUMENT);
CREATE TYPE mood AS ENUM ('low', 'middle', 'high');
CREATE DOMAIN good AS mood CHECK (VALUE > 'low') DEFAULT 'high';
CREATE DOMAIN spelled AS mood CONSTRAINT not_low CHECK (VALUE <> 'low');
CREATE DOMAIN amount AS numeric CHECK (VALUE > 0);
ALTER DOMAIN local_address RENAME CONSTRAINT is_local TO is_near;
ALTER DOMAIN local_address DROP CONSTRAINT is_near;
ALTER DOMAIN price SET DEFAULT '$1,007.5';
ALTER DOMAIN flags SET DEFAULT B'111';
ALTER DOMAIN discounted RENAME TO reduced;
COMMENT ON CONSTRAINT positive ON DOMAIN price IS 'no gifts';
CREATE TABLE t (
    id int PRIMARY KEY, p price, d reduced, a local_address, f flags, n pair, g good, s spelled, m amount
);
INSERT INTO t VALUES (1, '$2.50', '$999.99', '10.0.0.1', B'010', '{1,2}', 'middle', 'high', 1.123456789);
INSERT INTO t (id) VALUES (2);
INSERT INTO t (id, d) VALUES (3, 12);
