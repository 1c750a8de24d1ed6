--
-- PostgreSQL database dump
--

\restrict 0aBcDeFgHiJkLmNoPqRsTuVwXyZ

-- Dumped from database version 18.0
-- Dumped by pg_dump version 18.0

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: readings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.readings (
    sensor uuid CONSTRAINT readings_sensor_not_null NOT NULL,
    at timestamp with time zone NOT NULL,
    value real,
    raw bytea
);


--
-- Data for Name: readings; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.readings (sensor, at, value, raw) FROM stdin;
a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2024-01-01 00:00:00+00	1.5	\\x00ff
a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2024-01-01 00:01:00+00	NaN	\\x
\.


--
-- Statistics for Name: readings; Type: STATISTICS DATA; Schema: public; Owner: -
--

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180000'::integer,
	'schemaname', 'public',
	'relname', 'readings',
	'relpages', '1'::integer,
	'reltuples', '2'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);
SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180000'::integer,
	'schemaname', 'public',
	'relname', 'readings',
	'attname', 'value',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);


--
-- Name: readings readings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (sensor, at);


--
-- PostgreSQL database dump complete
--

\unrestrict 0aBcDeFgHiJkLmNoPqRsTuVwXyZ

