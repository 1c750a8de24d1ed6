
CREATE TABLE authors (
	id SERIAL NOT NULL,
	name VARCHAR(30) NOT NULL,
	fullname VARCHAR,
	born TIMESTAMP WITHOUT TIME ZONE DEFAULT now(),
	PRIMARY KEY (id)
)

;

CREATE TABLE addresses (
	id SERIAL NOT NULL,
	email_address VARCHAR NOT NULL,
	author_id INTEGER NOT NULL,
	kind VARCHAR(4) NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT kinds CHECK (kind IN ('home', 'work')),
	FOREIGN KEY(author_id) REFERENCES authors (id)
)

;
CREATE INDEX ix_authors_name ON authors (name);
CREATE UNIQUE INDEX ix_addresses_email_address ON addresses (email_address);
COMMENT ON TABLE authors IS 'Who wrote';
INSERT INTO authors (name, fullname, born) VALUES ('sandy', 'Sandy Cheeks', '2024-01-01T00:00:00'::timestamp) RETURNING authors.id;
INSERT INTO addresses (email_address, author_id, kind) VALUES ('sandy@example.org', 1, 'home');
