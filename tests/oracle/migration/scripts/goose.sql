-- +goose Up
CREATE TABLE owls (
    id int PRIMARY KEY,
    name text NOT NULL
);
INSERT INTO owls VALUES (1, 'Strix');

-- +goose StatementBegin
CREATE FUNCTION owl_count() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM owls;
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION owl_count();
DROP TABLE owls;
