--
-- PostgreSQL database dump
--

-- Dumped from database version 15.4 (Debian 15.4-1.pgdg120+1)
-- Dumped by pg_dump version 15.4 (Debian 15.4-1.pgdg120+1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: library; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA library;


--
-- Name: shelf_mark; Type: DOMAIN; Schema: library; Owner: -
--

CREATE DOMAIN library.shelf_mark AS character varying(12)
	CONSTRAINT shelf_mark_check CHECK (((VALUE)::text ~ '^[A-Z]'::text));


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: books; Type: TABLE; Schema: library; Owner: -
--

CREATE TABLE library.books (
    id integer NOT NULL,
    title text NOT NULL,
    mark library.shelf_mark,
    published date,
    price numeric(8,2) DEFAULT 9.90 NOT NULL,
    added timestamp with time zone DEFAULT now(),
    about jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT books_price_check CHECK ((price >= (0)::numeric))
);


--
-- Name: TABLE books; Type: COMMENT; Schema: library; Owner: -
--

COMMENT ON TABLE library.books IS 'Books on shelves; not the lent ones';


--
-- Name: COLUMN books.mark; Type: COMMENT; Schema: library; Owner: -
--

COMMENT ON COLUMN library.books.mark IS 'The reader''s way to it';


--
-- Name: books_id_seq; Type: SEQUENCE; Schema: library; Owner: -
--

CREATE SEQUENCE library.books_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: books_id_seq; Type: SEQUENCE OWNED BY; Schema: library; Owner: -
--

ALTER SEQUENCE library.books_id_seq OWNED BY library.books.id;


--
-- Name: lent; Type: TABLE; Schema: library; Owner: -
--

CREATE TABLE library.lent (
    book_id integer NOT NULL,
    since timestamp without time zone NOT NULL,
    reader character varying(40)
);


--
-- Name: cheap; Type: VIEW; Schema: library; Owner: -
--

CREATE VIEW library.cheap AS
 SELECT books.id,
    books.title
   FROM library.books
  WHERE (books.price < (10)::numeric);


--
-- Name: books id; Type: DEFAULT; Schema: library; Owner: -
--

ALTER TABLE ONLY library.books ALTER COLUMN id SET DEFAULT nextval('library.books_id_seq'::regclass);


--
-- Data for Name: books; Type: TABLE DATA; Schema: library; Owner: -
--

COPY library.books (id, title, mark, published, price, added, about) FROM stdin;
1	A plain title	AB 12	1999-12-31	9.90	2024-03-01 10:00:00+00	{"pages": 12}
2	Tabs\tand\nlines; 'quotes' and \\N	\N	\N	0.00	2024-03-01 10:00:00.123456+00	{}
5		Z	0044-03-15 BC	120.50	infinity	{"a": "b\\\\c"}
\.


--
-- Data for Name: lent; Type: TABLE DATA; Schema: library; Owner: -
--

COPY library.lent (book_id, since, reader) FROM stdin;
1	2024-02-29 23:59:59.999999	Zoë
\.


--
-- Name: books_id_seq; Type: SEQUENCE SET; Schema: library; Owner: -
--

SELECT pg_catalog.setval('library.books_id_seq', 5, true);


--
-- Name: books books_pkey; Type: CONSTRAINT; Schema: library; Owner: -
--

ALTER TABLE ONLY library.books
    ADD CONSTRAINT books_pkey PRIMARY KEY (id);


--
-- Name: lent lent_pkey; Type: CONSTRAINT; Schema: library; Owner: -
--

ALTER TABLE ONLY library.lent
    ADD CONSTRAINT lent_pkey PRIMARY KEY (book_id, since);


--
-- Name: books_title_idx; Type: INDEX; Schema: library; Owner: -
--

CREATE INDEX books_title_idx ON library.books USING btree (lower(title));


--
-- Name: lent_reader_key; Type: INDEX; Schema: library; Owner: -
--

CREATE UNIQUE INDEX lent_reader_key ON library.lent USING btree (reader) WHERE (reader IS NOT NULL);


--
-- Name: lent lent_book_id_fkey; Type: FK CONSTRAINT; Schema: library; Owner: -
--

ALTER TABLE ONLY library.lent
    ADD CONSTRAINT lent_book_id_fkey FOREIGN KEY (book_id) REFERENCES library.books(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

