BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 1975ea83b712

CREATE TABLE account (
    id SERIAL NOT NULL, 
    name VARCHAR(50) NOT NULL, 
    description VARCHAR(200), 
    PRIMARY KEY (id)
);

INSERT INTO alembic_version (version_num) VALUES ('1975ea83b712') RETURNING alembic_version.version_num;

-- Running upgrade 1975ea83b712 -> ae1027a6acf

ALTER TABLE account ADD COLUMN last_seen TIMESTAMP WITH TIME ZONE;

ALTER TABLE account ADD COLUMN active BOOLEAN DEFAULT true NOT NULL;

CREATE INDEX ix_account_name ON account (name);

UPDATE alembic_version SET version_num='ae1027a6acf' WHERE alembic_version.version_num = '1975ea83b712';

-- Running upgrade ae1027a6acf -> 3f8c2b91d7e0

ALTER TABLE account RENAME description TO about;

ALTER TABLE account ADD CONSTRAINT uq_account_name UNIQUE (name);

UPDATE alembic_version SET version_num='3f8c2b91d7e0' WHERE alembic_version.version_num = 'ae1027a6acf';

COMMIT;

