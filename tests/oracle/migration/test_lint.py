"""What dsql_lint says of a script is what a cluster says of it."""

import re
from contextlib import suppress
from typing import Final

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings

from awslabs_dsql_mcp.lint.examination import Examination, examine
from support.direct_connection import connect
from support.migration.carried import Target
from support.migration.difference import known_to_16, valid_part
from support.migration.generated import scripts
from support.migration.oracle import Oracle
from support.migration.psql import run_script

_EXAMPLES = max(settings().max_examples // 10, 5)  # an example takes half a second

PAGILA = """\
--
-- PostgreSQL database dump
--
\\restrict x

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TYPE public.rating AS ENUM ('G', 'PG');
ALTER TYPE public.rating OWNER TO postgres;
CREATE TABLE public.film (
    id integer NOT NULL,
    title text NOT NULL COLLATE "C",
    price money DEFAULT 1,
    rating public.rating DEFAULT 'G'::public.rating,
    length int4range,
    o oid
);
CREATE SEQUENCE public.film_id_seq AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.film_id_seq OWNED BY public.film.id;
CREATE TABLE public.actor (id integer NOT NULL, film_id integer);
ALTER TABLE ONLY public.film ALTER COLUMN id SET DEFAULT nextval('public.film_id_seq'::regclass);

-- the rows, it's them
COPY public.film (id, title, price, rating) FROM stdin;
1\tit's; a "title"\t$1,234.50\tPG
2\t\\\\ and \\t\t\\N\tG
\\.

COPY public.actor (id, film_id) FROM stdin;
1\t1
\\.

SELECT pg_catalog.setval('public.film_id_seq', 2, true);
ALTER TABLE ONLY public.film ADD CONSTRAINT film_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.actor ADD CONSTRAINT actor_pkey PRIMARY KEY (id);
CREATE INDEX film_title ON public.film USING btree (title DESC);
CREATE UNIQUE INDEX film_lower ON public.film USING btree (lower(title));
ALTER TABLE ONLY public.actor
    ADD CONSTRAINT actor_film FOREIGN KEY (film_id) REFERENCES public.film(id) ON DELETE CASCADE;
DROP INDEX CONCURRENTLY IF EXISTS public.nothing;
\\unrestrict x
"""
ORM = """\
BEGIN;
CREATE TABLE "a_user" ("id" serial NOT NULL PRIMARY KEY, "email" varchar(254) NOT NULL UNIQUE);
CREATE TABLE "a_post" ("id" bigserial NOT NULL PRIMARY KEY, "user_id" integer NOT NULL, "tags" text NULL);
ALTER TABLE "a_post" ADD CONSTRAINT "a_fk" FOREIGN KEY ("user_id") REFERENCES "a_user" ("id")
    DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "a_like" ON "a_user" ("email" varchar_pattern_ops);
INSERT INTO "a_user" ("email") VALUES ('it''s'), ('b');
INSERT INTO "a_post" ("user_id", "tags") VALUES (1, NULL);
COMMIT;
ALTER TABLE "a_post" ADD COLUMN "n" integer DEFAULT 3 NOT NULL;
"""


_UNCHECKED: Final = re.compile(r"^SET check_function_bodies = (?:off|false)", re.MULTILINE)
_OF_FUNCTION: Final = re.compile(r"line \d+: CREATE (?:OR REPLACE )?FUNCTION ")


async def first_fault(target: Target, script: str) -> str | None:
    """Run a script on the empty cluster, and tell the first statement that it refuses."""
    target.empty()
    connection = await connect(target.cluster)
    try:
        stopped = await run_script(connection, script)
    finally:
        with suppress(psycopg.Error):
            await connection.close()
    return str(stopped) if stopped else None


def to_mend(examined: Examination) -> list[str]:
    """List what is left to mend, or was mended."""
    return [f"{one.line}: {one.message}" for one in examined.findings if one.fix != "fixed_with_warning"]


async def check(script: str, target: Target) -> None:
    """Check that a script without findings runs, and so does the fixed script; and that it stays as it is."""
    examined = examine(script)
    fault = None if examined.findings else await first_fault(target, script)
    assert fault is None, f"nothing was found:\n{script}\n{fault}"
    if any(finding.fix == "unfixable" for finding in examined.findings):
        event("unfixable")
        return
    fixed = examined.fixed_sql
    again = examine(fixed)
    assert not to_mend(again), f"{script}\nbecame\n{fixed}"
    assert again.fixed_sql == fixed
    fault = await first_fault(target, fixed)
    if fault is not None and _UNCHECKED.search(script) and _OF_FUNCTION.match(fault):
        event("a body that PostgreSQL does not check")
        return
    assert fault is None, f"{script}\nbecame\n{fixed}\n{fault}"


@settings(
    max_examples=_EXAMPLES,
    derandomize=_EXAMPLES < 100,  # a script that is new each time is for those who wait for it
    phases=[Phase.generate] if _EXAMPLES < 100 else [Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(statements=scripts())
async def test_a_fixed_script_runs_and_stays_as_it_is(
    statements: list[str], oracle: Oracle, target: Target
) -> None:
    script = valid_part([known_to_16(statement) for statement in statements], oracle)
    assume(script.strip())
    await check(script, target)


@pytest.mark.parametrize("script", [PAGILA, ORM], ids=["pg_dump", "ORM"])
async def test_what_programs_write_is_fixed_whole(script: str, target: Target) -> None:
    assert not [finding for finding in examine(script).findings if finding.fix == "unfixable"]
    await check(script, target)
