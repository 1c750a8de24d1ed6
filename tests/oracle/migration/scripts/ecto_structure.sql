--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE DOMAIN public.topic AS text DEFAULT 'none' CHECK (VALUE <> '');

CREATE TABLE public.schema_migrations (
    version bigint NOT NULL,
    inserted_at timestamp(0) without time zone
);

CREATE TABLE public.rooms (
    id uuid NOT NULL,
    name character varying(255) NOT NULL,
    topic public.topic,
    seats integer DEFAULT 4 NOT NULL,
    inserted_at timestamp(0) without time zone NOT NULL
);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (id);

ALTER TABLE public.rooms
    ADD CONSTRAINT seats_are_positive CHECK ((seats > 0));

CREATE UNIQUE INDEX rooms_name_index ON public.rooms USING btree (name);

INSERT INTO public.rooms VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'Attic', 'noise', 2, '2024-01-01 00:00:00.6');
INSERT INTO public."schema_migrations" (version) VALUES (20240101000000);
INSERT INTO public."schema_migrations" (version) VALUES (20240202000000);
