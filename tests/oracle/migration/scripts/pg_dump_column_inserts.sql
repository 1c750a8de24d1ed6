--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE SCHEMA kitchen;

CREATE TABLE kitchen.dishes (
    id integer NOT NULL,
    name text,
    hot boolean DEFAULT true,
    double_id integer GENERATED ALWAYS AS ((id * 2)) STORED,
    "Weird ""name""" text
);

ALTER TABLE kitchen.dishes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME kitchen.dishes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

INSERT INTO kitchen.dishes (id, name, hot, double_id, "Weird ""name""") OVERRIDING SYSTEM VALUE VALUES (1, 'soup', true, DEFAULT, 'x');
INSERT INTO kitchen.dishes (id, name, hot, double_id, "Weird ""name""") OVERRIDING SYSTEM VALUE VALUES (7, 'ice', false, DEFAULT, NULL);

SELECT pg_catalog.setval('kitchen.dishes_id_seq', 7, true);

ALTER TABLE ONLY kitchen.dishes
    ADD CONSTRAINT dishes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY kitchen.dishes
    ADD CONSTRAINT dishes_name_key UNIQUE (name);

ALTER TABLE kitchen.dishes
    ADD CONSTRAINT dishes_name_check CHECK ((char_length(name) > 1)) NOT VALID;

ALTER TABLE ONLY kitchen.dishes REPLICA IDENTITY FULL;

ALTER TABLE ONLY kitchen.dishes CLUSTER ON dishes_pkey;

ALTER TABLE ONLY kitchen.dishes ALTER COLUMN name SET STATISTICS 500;
