--
-- PostgreSQL database dump
--

-- Dumped from database version 17.2
-- Dumped by pg_dump version 17.2

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

ALTER TABLE IF EXISTS ONLY public.trips DROP CONSTRAINT IF EXISTS trips_boat_fkey;
DROP INDEX IF EXISTS public.trips_day_idx;
ALTER TABLE IF EXISTS ONLY public.trips DROP CONSTRAINT IF EXISTS trips_pkey;
ALTER TABLE IF EXISTS ONLY public.boats DROP CONSTRAINT IF EXISTS boats_pkey;
ALTER TABLE IF EXISTS public.boats ALTER COLUMN id DROP DEFAULT;
DROP TABLE IF EXISTS public.trips;
DROP SEQUENCE IF EXISTS public.boats_id_seq;
DROP TABLE IF EXISTS public.boats;
DROP FUNCTION IF EXISTS public.knots(numeric);
DROP EXTENSION IF EXISTS citext;
DROP TYPE IF EXISTS public.rig;
--
-- Name: knots(numeric); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.knots(numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $_$ SELECT round($1 * 1.852, 2) $_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: boats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.boats (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    length numeric(5,2),
    hull character(4)
);


--
-- Name: boats_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.boats_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: boats_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.boats_id_seq OWNED BY public.boats.id;


--
-- Name: trips; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trips (
    boat bigint NOT NULL,
    day date NOT NULL,
    took interval,
    at time without time zone
);


--
-- Name: boats id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.boats ALTER COLUMN id SET DEFAULT nextval('public.boats_id_seq'::regclass);


--
-- Data for Name: boats; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.boats (id, name, length, hull) FROM stdin;
1	Möwe	7.25	GRP 
2	Albatros	\N	oak 
\.


--
-- Data for Name: trips; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trips (boat, day, took, at) FROM stdin;
1	2024-07-01	1 day 02:03:04	09:15:00
2	2024-07-02	-00:00:01.5	24:00:00
\.


--
-- Name: boats_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.boats_id_seq', 2, true);


--
-- Name: boats boats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.boats
    ADD CONSTRAINT boats_pkey PRIMARY KEY (id);


--
-- Name: trips trips_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trips
    ADD CONSTRAINT trips_pkey PRIMARY KEY (boat, day);


--
-- Name: trips_day_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trips_day_idx ON public.trips USING btree (day DESC);


--
-- Name: trips trips_boat_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trips
    ADD CONSTRAINT trips_boat_fkey FOREIGN KEY (boat) REFERENCES public.boats(id);


--
-- PostgreSQL database dump complete
--

