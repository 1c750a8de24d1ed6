-- A shop as people build one on PostgreSQL: what pg_dump writes of it is carried over to Aurora DSQL.
CREATE TYPE order_status AS ENUM ('open', 'paid', 'sent', 'void');
CREATE TYPE channel AS ENUM ('web', 'it''s a shop', 'phone');
CREATE TABLE countries (code char(2) PRIMARY KEY, name text NOT NULL);
CREATE TABLE customers (
    id serial PRIMARY KEY,
    email varchar(200) NOT NULL UNIQUE,
    country char(2) REFERENCES countries,
    came_by channel NOT NULL DEFAULT 'web',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE addresses (
    id bigserial PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers ON DELETE CASCADE,
    line text NOT NULL
);
CREATE TABLE suppliers (id serial PRIMARY KEY, name text NOT NULL, host inet);
CREATE TABLE categories (id serial PRIMARY KEY, name text NOT NULL, parent int REFERENCES categories);
CREATE TABLE products (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    title text COLLATE "C" NOT NULL,
    price money NOT NULL,
    category_id int REFERENCES categories,
    supplier_id int REFERENCES suppliers,
    CONSTRAINT sku_is_there CHECK (length(sku) > 0)
);
CREATE TABLE stock (product_id int PRIMARY KEY REFERENCES products, amount int NOT NULL CHECK (amount >= 0));
CREATE TABLE orders (
    id serial PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    status order_status NOT NULL DEFAULT 'open',
    placed_at timestamp NOT NULL DEFAULT now(),
    changed_at timestamp
);
CREATE TABLE order_lines (
    order_id int REFERENCES orders ON DELETE CASCADE,
    product_id int REFERENCES products,
    amount int NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, product_id)
);
CREATE TABLE payments (
    id serial PRIMARY KEY,
    order_id int NOT NULL REFERENCES orders,
    amount numeric(12,2) NOT NULL,
    UNIQUE (order_id)
);
CREATE TABLE reviews (id serial PRIMARY KEY, product_id int REFERENCES products, stars smallint, words text);
CREATE TABLE audit (id bigserial PRIMARY KEY, what jsonb, at timestamptz DEFAULT now());

CREATE INDEX customers_country ON customers (country);
CREATE INDEX customers_email_lower ON customers (lower(email));
CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE INDEX products_category ON products (category_id) INCLUDE (title);
CREATE INDEX products_title ON products (title text_pattern_ops);
CREATE UNIQUE INDEX products_sku ON products (sku);
CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC);
CREATE INDEX orders_open ON orders (placed_at) WHERE status = 'open';
CREATE INDEX reviews_product ON reviews (product_id, stars);
CREATE INDEX audit_what ON audit USING gin (what);

CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := now();  -- a semicolon; in a body
    RETURN NEW;
END $$;
CREATE FUNCTION with_tax(net numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT net * 1.2';
CREATE TRIGGER orders_stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE VIEW open_orders AS SELECT id, customer_id FROM orders WHERE status = 'open';
COMMENT ON TABLE orders IS 'What was ordered; by whom.';

INSERT INTO countries VALUES ('de', 'Germany'), ('fr', 'France');
INSERT INTO customers (email, country, came_by)
SELECT 'c' || n || '@example.com', 'de', 'it''s a shop' FROM generate_series(1, 1500) AS n;
INSERT INTO addresses (customer_id, line) VALUES (1, E'back\\slash\ttab\nline'), (2, ''), (3, E'\\N');
INSERT INTO suppliers (name, host) VALUES ('Acme', '10.0.0.1');
INSERT INTO categories (name, parent) VALUES ('all', NULL), ('lamps', 1);
INSERT INTO products (sku, title, price, category_id, supplier_id) VALUES ('a-1', 'Lamp', 19.9, 2, 1);
INSERT INTO stock VALUES (1, 4);
INSERT INTO orders (customer_id, status) VALUES (1, 'paid'), (2, DEFAULT);
INSERT INTO order_lines VALUES (1, 1, 2);
INSERT INTO payments (order_id, amount) VALUES (1, 39.80);
INSERT INTO reviews (product_id, stars, words) VALUES (1, 5, 'bright');
INSERT INTO audit (what) VALUES ('{"a": "x\\y"}');
