SET check_function_bodies = false;
CREATE TABLE public.m (
    id integer NOT NULL, d date NOT NULL, v text NOT NULL, CONSTRAINT m_v_check CHECK (v <> '')
) PARTITION BY RANGE (d);
CREATE TABLE public.m_2024 (
    id integer NOT NULL, d date NOT NULL, v text NOT NULL, CONSTRAINT m_v_check CHECK (v <> '')
);
CREATE TABLE public.m_2025 (
    id integer NOT NULL, d date NOT NULL, v text NOT NULL, CONSTRAINT m_v_check CHECK (v <> '')
) PARTITION BY LIST (v);
CREATE TABLE public.m_2025_a (
    id integer NOT NULL, d date NOT NULL, v text NOT NULL, CONSTRAINT m_v_check CHECK (v <> '')
);
ALTER TABLE ONLY public.m ATTACH PARTITION public.m_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE ONLY public.m ATTACH PARTITION public.m_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE ONLY public.m_2025 ATTACH PARTITION public.m_2025_a FOR VALUES IN ('a');
ALTER TABLE public.m_2024 OWNER TO CURRENT_USER;
COMMENT ON TABLE public.m_2024 IS 'a year';
COPY public.m_2024 (id, d, v) FROM stdin;
1	2024-05-05	a
2	2024-06-06	b
\.
INSERT INTO public.m_2025_a (id, d, v) VALUES (3, '2025-01-01', 'a');
INSERT INTO public.m (id, d, v) VALUES (4, '2025-02-02', 'a');
ALTER TABLE ONLY public.m ADD CONSTRAINT m_pkey PRIMARY KEY (id, d, v);
ALTER TABLE ONLY public.m_2024 ADD CONSTRAINT m_2024_pkey PRIMARY KEY (id, d, v);
ALTER TABLE ONLY public.m_2025 ADD CONSTRAINT m_2025_pkey PRIMARY KEY (id, d, v);
ALTER TABLE ONLY public.m_2025_a ADD CONSTRAINT m_2025_a_pkey PRIMARY KEY (id, d, v);
CREATE INDEX m_v_idx ON ONLY public.m USING btree (v);
CREATE INDEX m_2024_v_idx ON public.m_2024 USING btree (v);
ALTER INDEX public.m_pkey ATTACH PARTITION public.m_2024_pkey;
ALTER INDEX public.m_2025_pkey ATTACH PARTITION public.m_2025_a_pkey;
ALTER INDEX public.m_pkey ATTACH PARTITION public.m_2025_pkey;
ALTER INDEX public.m_v_idx ATTACH PARTITION public.m_2024_v_idx;
GRANT SELECT ON TABLE public.m_2024 TO PUBLIC;
CREATE VIEW public.w AS SELECT id, v FROM public.m;
