-- Parts of Aurora DSQL inside the database that PostgreSQL lacks: role admin, schema sys, jobs, IAM mappings,
-- limits. Run by the superuser while no server runs, on an empty database or after an earlier version of this
-- file, so each statement must be repeatable. A statement ends with a
-- semicolon and an empty line.
--
-- Schema sys has what a cluster has there. All else is in pg_catalog, which every client and pg_dump take for the
-- server's own and leave out, under names that begin with _dsql_: those are ours.
--
-- No way leads from a user to the superuser, since nothing that runs as the superuser evaluates anything of a
-- user's: it neither reads nor changes a user's table, for planning alone evaluates the expressions of its
-- indexes, nor runs a text. So a function is SECURITY DEFINER only to write the catalog or a table of ours,
-- every search_path is fixed with pg_temp last, and all else runs as its user. The tests hold each
-- function to that, with the exceptions and their reasons.

-- The text below is read with these names, whatever users have put into schema public.
SET search_path = pg_catalog, pg_temp;

-- What is made below is made in pg_catalog, the first of these; tables and views need this, too.
SET allow_system_table_mods = on;

-- Earlier versions had all of theirs in sys: what others depend on keeps its number, and its rows.
DROP FUNCTION IF EXISTS sys.create_index_async(text), sys._run_job(text), sys._build_index(sys._jobs),
  sys._validate_constraint(sys._jobs), sys._trusting_role(text, text[]), sys._check_widths(regclass);

DO $$
DECLARE
  moved CONSTANT oid[] := array(
    SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('sys') AND relname LIKE '\_%');
  one record;
BEGIN
  FOR one IN
    SELECT p.oid, proname AS name FROM pg_proc p WHERE pronamespace = to_regnamespace('sys') AND proname NOT IN
      ('dsql_major_version', 'cluster_size', 'cluster_size_limit', 'uuid_to_base32_str', 'base32_str_to_uuid',
       'current_session_id', 'iam_session_user', 'wait_for_job')
  LOOP
    EXECUTE format('ALTER ROUTINE %s RENAME TO %I', one.oid::regprocedure, '_dsql_' || ltrim(one.name, '_'));
    EXECUTE format('ALTER ROUTINE %s SET SCHEMA pg_catalog', one.oid::regprocedure);
  END LOOP;
  -- Indexes and sequences of a table go with it.
  FOR one IN
    SELECT oid FROM pg_class c WHERE oid = ANY (moved) AND (relkind = 'r' OR relkind = 'S' AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'i'))
  LOOP
    EXECUTE format('ALTER TABLE %s SET SCHEMA pg_catalog', one.oid::regclass);
  END LOOP;
  FOR one IN SELECT oid, relname AS name FROM pg_class WHERE oid = ANY (moved) LOOP
    EXECUTE format('ALTER TABLE %s RENAME TO %I', one.oid::regclass, '_dsql' || one.name);
  END LOOP;
END $$;

-- Roles

-- initdb makes the superuser, under another name, since it takes none that begins with pg_. Such names are
-- reserved, so no user's role is in the way, and are left out where roles are listed.
UPDATE pg_authid SET rolname = 'pg_superuser' WHERE oid = 10 AND rolname <> 'pg_superuser';

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'admin') THEN
    CREATE ROLE admin LOGIN CREATEROLE;
  END IF;
END $$;

GRANT CREATE ON DATABASE postgres TO admin;

-- Each runs one job at a time (see job_worker.py), as a member of one role: the owner of the job's table.
DO $$
BEGIN
  FOR i IN 1..4 LOOP
    IF NOT EXISTS (SELECT FROM pg_authid WHERE rolname = 'local_job_' || i) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', 'local_job_' || i);
    END IF;
  END LOOP;
END $$;

-- Functions of users are in LANGUAGE SQL, which has no triggers either.
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;

-- A statement waits this long for another transaction's lock before it is retried (see session/conflicts.py).
-- It is the database's setting, not the connection's, which would hold for the login too: that has to wait
-- while autovacuum shortens a catalog.
ALTER DATABASE postgres SET lock_timeout = '1ms';

ALTER ROLE CURRENT_USER SET lock_timeout = 0;

ALTER SCHEMA public OWNER TO admin;

CREATE SCHEMA IF NOT EXISTS sys;

GRANT USAGE ON SCHEMA sys TO PUBLIC;

GRANT SELECT ON pg_shadow, pg_shmem_allocations, pg_backend_memory_contexts TO admin;

GRANT EXECUTE ON FUNCTION pg_get_shmem_allocations(), pg_get_backend_memory_contexts() TO admin;

-- Functions of DSQL, and those that differ

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE
RETURN 'PostgreSQL 16';

-- PostgreSQL runs its own code for a function that it is built with, unless the planner puts the expression in place of
-- the call. It does so whatever the arguments are if the expression names each once.

CREATE OR REPLACE FUNCTION _dsql_own_setting(text, boolean) RETURNS text LANGUAGE internal STABLE STRICT PARALLEL SAFE
AS 'show_config_by_name_missing_ok';

CREATE OR REPLACE FUNCTION _dsql_shown_setting(name text, value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(name)
  WHEN 'server_version' THEN '16.15'
  WHEN 'server_version_num' THEN '160015'
  WHEN 'max_connections' THEN '20'
  ELSE value
END;

CREATE OR REPLACE FUNCTION _dsql_current_setting(name text, missing_ok boolean) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN _dsql_shown_setting(
  name, _dsql_own_setting(CASE lower(name) WHEN 'disable_sync_create_index' THEN 'dsql.' ELSE '' END || name, missing_ok));

CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN _dsql_current_setting($1, false);

CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text, boolean) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN _dsql_current_setting($1, $2);

CREATE OR REPLACE VIEW pg_settings AS
  SELECT name, _dsql_shown_setting(name, setting) AS setting, unit, category, short_desc, extra_desc, context, vartype,
         source, min_val, max_val, enumvals, boot_val, _dsql_shown_setting(name, reset_val) AS reset_val, sourcefile,
         sourceline, pending_restart
  FROM pg_show_all_settings();

-- The dialect reads the name of a setting where it is a constant; a name that is computed is looked at here.
CREATE OR REPLACE FUNCTION _dsql_set_config(text, text, boolean) RETURNS text LANGUAGE internal AS 'set_config_by_name';

CREATE OR REPLACE FUNCTION _dsql_refuse_setting(name text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'setting configuration parameter "%" not supported', name USING ERRCODE = '0A000';
END $$;

-- The names are those of dsql/settings.py.
CREATE OR REPLACE FUNCTION _dsql_settable(name text) RETURNS text LANGUAGE sql
RETURN CASE
  WHEN lower(name) = 'disable_sync_create_index' THEN 'dsql.disable_sync_create_index'
  WHEN lower(name) <> ALL ('{application_name,client_encoding,datestyle,dsql.enable_batched_nestloop,extra_float_digits,'
                           'intervalstyle,search_path,timezone}') AND lower(name) NOT LIKE 'enable\_%'
    THEN _dsql_refuse_setting(name)
  ELSE name
END;

-- The encodings are those of dialect/settings.py.
CREATE OR REPLACE FUNCTION _dsql_set_checked(name text, value text, is_local boolean) RETURNS text LANGUAGE sql VOLATILE
RETURN CASE
  WHEN lower(name) = 'client_encoding' AND regexp_replace(lower(value), '[^a-z0-9]', '', 'g')
    ~ '^(big5|gb18030|gbk|johab|mskanji|shiftjis.*|sjis|uhc|win(dows)?(932|936|949|950))$'
    THEN _dsql_refuse_setting(name)
  WHEN _dsql_own_setting('is_superuser', false) = 'on' THEN _dsql_set_config(name, value, is_local)
  ELSE _dsql_set_config(_dsql_settable(name), value, is_local)
END;

CREATE OR REPLACE FUNCTION pg_catalog.set_config(text, text, boolean) RETURNS text LANGUAGE sql VOLATILE
RETURN _dsql_set_checked($1, $2, $3);

CREATE OR REPLACE FUNCTION pg_catalog.pg_available_extensions(OUT name name, OUT default_version text, OUT comment text)
RETURNS SETOF record LANGUAGE sql STABLE AS $$SELECT NULL::name, NULL::text, NULL::text WHERE false$$;

CREATE OR REPLACE FUNCTION pg_catalog.pg_available_extension_versions(OUT name name, OUT version text,
  OUT superuser boolean, OUT trusted boolean, OUT relocatable boolean, OUT schema name, OUT requires name[],
  OUT comment text)
RETURNS SETOF record LANGUAGE sql STABLE
AS $$SELECT NULL::name, NULL::text, true, true, true, NULL::name, NULL::name[], NULL::text WHERE false$$;

-- What a cluster does not show: roles that run jobs, settings and event triggers of ours. Catalogs
-- are known to PostgreSQL by their numbers, so another relation can have the name that users read.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class WHERE relname = '_dsql_db_role_setting') THEN
    ALTER TABLE pg_db_role_setting RENAME TO _dsql_db_role_setting;
    ALTER TABLE pg_event_trigger RENAME TO _dsql_event_trigger;
    REVOKE SELECT ON _dsql_event_trigger, _dsql_db_role_setting FROM PUBLIC;
    CREATE TABLE pg_event_trigger (LIKE _dsql_event_trigger); -- a table, since pg_dump asks for its tableoid
    GRANT SELECT ON pg_event_trigger TO PUBLIC;
  END IF;
END $$;

CREATE OR REPLACE VIEW pg_db_role_setting AS
  SELECT setdatabase, setrole, setconfig FROM _dsql_db_role_setting WHERE setrole NOT IN (0, 10);

GRANT SELECT ON pg_db_role_setting TO PUBLIC;

-- Each as PostgreSQL has it, without our roles.
CREATE OR REPLACE VIEW pg_roles AS
  SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit,
         '********'::text AS rolpassword, rolvaliduntil, rolbypassrls, setconfig AS rolconfig, r.oid
  FROM pg_authid r LEFT JOIN pg_db_role_setting ON r.oid = setrole AND setdatabase = 0
  WHERE rolname NOT IN ('local_job_1', 'local_job_2', 'local_job_3', 'local_job_4');

CREATE OR REPLACE VIEW pg_shadow AS
  SELECT rolname AS usename, r.oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
         rolreplication AS userepl, rolbypassrls AS usebypassrls, rolpassword AS passwd, rolvaliduntil AS valuntil,
         setconfig AS useconfig
  FROM pg_authid r LEFT JOIN pg_db_role_setting ON r.oid = setrole AND setdatabase = 0
  WHERE rolcanlogin AND rolname NOT IN ('local_job_1', 'local_job_2', 'local_job_3', 'local_job_4');

-- \db+ asks for the size of pg_global too, which only PostgreSQL's operators may know. It is not STRICT, since
-- PostgreSQL calls its own code unless the planner can put the expression in place of the call.
CREATE OR REPLACE FUNCTION _dsql_tablespace_size(oid) RETURNS bigint LANGUAGE internal STRICT AS 'pg_tablespace_size_oid';

CREATE OR REPLACE FUNCTION pg_catalog.pg_tablespace_size(oid) RETURNS bigint LANGUAGE sql VOLATILE
RETURN CASE WHEN $1 <> 1664 OR pg_has_role('pg_read_all_stats', 'USAGE') THEN _dsql_tablespace_size($1) END;

-- See privileges.sql.
CREATE OR REPLACE FUNCTION _dsql_function_is_visible(oid) RETURNS boolean LANGUAGE internal STABLE STRICT
AS 'pg_function_is_visible';

CREATE OR REPLACE FUNCTION _dsql_table_is_visible(oid) RETURNS boolean LANGUAGE internal STABLE STRICT
AS 'pg_table_is_visible';

CREATE OR REPLACE FUNCTION sys.dsql_major_version() RETURNS integer LANGUAGE sql IMMUTABLE
RETURN 1;

CREATE OR REPLACE FUNCTION sys.cluster_size() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_database_size(current_database());

CREATE OR REPLACE FUNCTION sys.cluster_size_limit() RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN 10 * 1024::bigint ^ 4;

CREATE OR REPLACE FUNCTION sys.uuid_to_base32_str(id uuid) RETURNS text LANGUAGE sql IMMUTABLE STRICT
RETURN (
  SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', substring(bits, 5 * i + 1, 5)::bit(5)::int + 1, 1),
                    '' ORDER BY i)
  FROM (SELECT ('x' || replace(id::text, '-', ''))::bit(128) || B'00' AS bits) AS whole, generate_series(0, 25) AS i
);

CREATE OR REPLACE FUNCTION sys.base32_str_to_uuid(id text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bits text;
BEGIN
  SELECT string_agg((strpos('abcdefghijklmnopqrstuvwxyz234567', letter) - 1)::bit(5)::text, '' ORDER BY i)
    INTO bits FROM regexp_split_to_table(id, '') WITH ORDINALITY AS letters (letter, i);
  IF id !~ '^[a-z2-7]{26}$' OR right(bits, 2) <> '00' THEN
    RAISE EXCEPTION 'Unable to convert text to UUID' USING ERRCODE = '22P02';
  END IF;
  RETURN (SELECT string_agg(to_hex(substr(bits, 4 * i + 1, 4)::bit(4)::int), '' ORDER BY i)
          FROM generate_series(0, 31) AS i);
END $$;

CREATE OR REPLACE FUNCTION _dsql_name(relation oid) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE pg_class.oid = relation);

CREATE OR REPLACE FUNCTION _dsql_is_no_key(kind oid) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN kind IN ('jsonb'::regtype, 'bytea'::regtype);

CREATE OR REPLACE FUNCTION _dsql_limit(setting text, standard bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('dsql.' || setting, true), '')::bigint, standard);

-- Jobs: recorded here, run by job_worker.py

CREATE TABLE IF NOT EXISTS _dsql_jobs (
  position bigint NOT NULL,
  job_id text PRIMARY KEY DEFAULT sys.uuid_to_base32_str(gen_random_uuid()),
  status text NOT NULL DEFAULT 'submitted',
  details text,
  job_type text NOT NULL,
  class_id oid NOT NULL,
  object_id oid NOT NULL,
  relation text, -- the table's name, for the time when it is gone
  start_time timestamptz NOT NULL DEFAULT date_trunc('second', clock_timestamp()),
  update_time timestamptz
);

-- The order of jobs is that of their microseconds, since a sequence of ours would be listed among the users'.
ALTER TABLE _dsql_jobs ALTER position DROP IDENTITY IF EXISTS;

ALTER TABLE _dsql_jobs ALTER position SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

CREATE OR REPLACE VIEW sys.jobs AS
  SELECT job_id, status, details, job_type, class_id, object_id,
         CASE class_id
           WHEN 'pg_class'::regclass THEN _dsql_name(object_id)
           WHEN 'pg_constraint'::regclass THEN (
             SELECT nspname || '.' || conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace
             WHERE c.oid = object_id)
         END AS object_name,
         start_time, update_time
  FROM _dsql_jobs ORDER BY position;

GRANT SELECT ON sys.jobs TO PUBLIC;

CREATE OR REPLACE FUNCTION _dsql_record_job(kind text, class oid, object oid, relation text) RETURNS text
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  id text;
BEGIN
  INSERT INTO _dsql_jobs (job_type, class_id, object_id, relation) VALUES (kind, class, object, relation)
    RETURNING job_id INTO id;
  PERFORM pg_notify('dsql_jobs', '');
  RETURN id;
END $$;

-- The caller makes the index, without UNIQUE, which its rows may break; _dsql_when_made does the rest.
-- Types of columns are looked at first, since PostgreSQL builds the index before it says that it has made one.
CREATE OR REPLACE FUNCTION _dsql_create_index_async(ddl text, relation text, columns text[]) RETURNS text
LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
  head CONSTANT text := '^\s*CREATE\s+UNIQUE\s';
  part regtype;
BEGIN
  SELECT atttypid INTO part FROM pg_attribute
    WHERE attrelid = to_regclass(relation) AND attname = ANY (columns) AND pg_catalog._dsql_is_no_key(atttypid) LIMIT 1;
  IF part IS NOT NULL THEN
    RAISE EXCEPTION 'datatype % is not supported in a key', part USING ERRCODE = '0A000';
  END IF;
  PERFORM pg_catalog._dsql_set_config('dsql.job', '', true), pg_catalog._dsql_set_config('dsql.unique', (ddl ~* head)::text, true);
  EXECUTE regexp_replace(ddl, head, 'CREATE ', 'i');
  PERFORM pg_catalog._dsql_set_config('dsql.unique', '', true);
  RETURN nullif(current_setting('dsql.job'), '');
END $$;

-- ALTER TABLE that drops columns or constraints: the primary key is the table, so it stays.
CREATE OR REPLACE FUNCTION _dsql_drop_from_table(ddl text, relation text, columns text[], constraints text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  key CONSTANT pg_index := (SELECT i FROM pg_index i WHERE indrelid = to_regclass(relation) AND indisprimary);
  lost text;
BEGIN
  SELECT attname INTO lost FROM pg_attribute
    WHERE attrelid = key.indrelid AND attnum = ANY (key.indkey) AND attname = ANY (columns);
  IF lost IS NOT NULL THEN
    RAISE EXCEPTION 'cannot drop primary key column %', lost USING ERRCODE = '0A000';
  ELSIF EXISTS (SELECT FROM pg_constraint WHERE conindid = key.indexrelid AND contype = 'p' AND conname = ANY (constraints)) THEN
    RAISE EXCEPTION 'unsupported ALTER TABLE DROP CONSTRAINT statement' USING ERRCODE = '0A000';
  END IF;
  EXECUTE ddl;
END $$;

CREATE OR REPLACE FUNCTION _dsql_put_off_index(index oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid;
BEGIN
  UPDATE pg_index
    SET indisvalid = false, indisready = false,
        indisunique = indisunique OR coalesce(current_setting('dsql.unique', true), '') = 'true'
    WHERE indexrelid = index RETURNING indrelid INTO owner;
  PERFORM _dsql_set_config('dsql.job', _dsql_record_job('INDEX_BUILD', 'pg_class'::regclass, index, _dsql_name(owner)), true);
END $$;

CREATE OR REPLACE FUNCTION _dsql_record_validation(constraint_id oid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_constraint;
  t pg_class;
BEGIN
  SELECT * INTO c FROM pg_constraint WHERE oid = constraint_id AND contype IN ('c', 'f');
  SELECT * INTO t FROM pg_class WHERE oid = c.conrelid;
  IF t.oid IS NULL OR NOT pg_has_role(session_user, t.relowner, 'USAGE') THEN
    RAISE EXCEPTION 'must be owner of table %', t.relname USING ERRCODE = '42501';
  END IF;
  RETURN _dsql_record_job('VALIDATE_CONSTRAINT', 'pg_constraint'::regclass, c.oid, _dsql_name(t.oid));
END $$;

CREATE OR REPLACE FUNCTION _dsql_validate_constraint_async(ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  name CONSTANT text := '(?:"(?:[^"]|"")+"|[[:alpha:]_\u0080-\uffff][[:alnum:]_$\u0080-\uffff]*)';
  parts CONSTANT text[] := regexp_match(
    ddl, format('^\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(%s(?:\s*\.\s*%1$s)?)\s*\*?\s*VALIDATE\s+CONSTRAINT\s+(%1$s)\s*;?\s*$', name), 'i');
  t regclass;
  c pg_constraint;
BEGIN
  IF parts IS NULL THEN
    RAISE EXCEPTION 'unsupported ALTER TABLE statement' USING ERRCODE = '0A000';
  END IF;
  t := parts[1]::regclass;
  IF NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = t) THEN
    RAISE EXCEPTION 'must be owner of table %', (SELECT relname FROM pg_class WHERE oid = t) USING ERRCODE = '42501';
  END IF;
  SELECT * INTO c FROM pg_constraint WHERE conrelid = t AND conname = (parse_ident(parts[2]))[1];
  IF NOT FOUND THEN
    RAISE EXCEPTION 'constraint "%" of relation "%" does not exist', (parse_ident(parts[2]))[1],
      (SELECT relname FROM pg_class WHERE oid = t) USING ERRCODE = '42704';
  ELSIF c.contype NOT IN ('c', 'f') THEN
    RAISE EXCEPTION 'constraint "%" of relation "%" is not a foreign key or check constraint', c.conname,
      (SELECT relname FROM pg_class WHERE oid = t) USING ERRCODE = '42809';
  END IF;
  RETURN pg_catalog._dsql_record_validation(c.oid);
END $$;

-- The statement of a job, and the role to run it as: the table's owner, whose functions an index or a CHECK may
-- call. A complaint without a statement if the object is gone; a completed job may have one. A DROP job has
-- neither: its object is gone already.
CREATE OR REPLACE FUNCTION _dsql_job_statement(id text, OUT owner oid, OUT statement text, OUT complaint text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  job CONSTANT _dsql_jobs := (SELECT j FROM _dsql_jobs j WHERE job_id = id);
BEGIN
  IF job.job_type = 'INDEX_BUILD' THEN
    SELECT relowner, format('REINDEX INDEX %I.%I', nspname, relname) INTO owner, statement -- makes it valid
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = job.object_id;
    complaint := CASE WHEN NOT FOUND THEN format('relation "%s" does not exist', job.relation) END;
  ELSIF job.job_type = 'VALIDATE_CONSTRAINT' THEN
    SELECT relowner, format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', nspname, relname, conname)
      INTO owner, statement
      FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
      WHERE c.oid = job.object_id;
    complaint := CASE WHEN NOT FOUND THEN format('constraint of relation "%s" does not exist', job.relation) END;
  END IF;
END $$;

-- Makes a role that runs jobs a member of an owner, or of nobody, and of no other role. What a job has left behind,
-- settings of its role or another session of it, would hold in the jobs of other owners. No owner is such a role
-- itself: its members would be those of whom it is one meanwhile.
CREATE OR REPLACE FUNCTION _dsql_lend_role(owner oid, worker text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  other record;
BEGIN
  FOR other IN SELECT m.roleid::regrole AS role, m.grantor::regrole AS grantor FROM pg_auth_members m
               WHERE m.member = worker::regrole LOOP
    EXECUTE format('REVOKE %s FROM %I GRANTED BY %s CASCADE', other.role, worker, other.grantor);
  END LOOP;
  EXECUTE format('ALTER ROLE %I RESET ALL', worker);
  EXECUTE format('ALTER ROLE %I IN DATABASE postgres RESET ALL', worker);
  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = worker;
  IF (SELECT rolsuper OR rolname ~ '^local_job_\d$' FROM pg_authid WHERE oid = owner) THEN
    RAISE EXCEPTION 'role % has no jobs', owner::regrole;
  END IF;
  IF owner IS NOT NULL THEN
    EXECUTE format('GRANT %s TO %I WITH INHERIT FALSE, SET TRUE', owner::regrole, worker);
  END IF;
  RETURN pg_get_userbyid(owner);
END $$;

-- Its COMMIT allows no SET clause; it runs as its caller. \df+ shows its text, so it names nothing of ours.
CREATE OR REPLACE PROCEDURE sys.wait_for_job(job text, INOUT succeeded boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
  patience CONSTANT interval := make_interval(secs =>
    coalesce(nullif(current_setting('dsql.wait_for_job_seconds', true), '')::bigint, 600));
  began CONSTANT timestamptz := clock_timestamp();
  now_is text;
BEGIN
  PERFORM sys.base32_str_to_uuid(job);
  LOOP
    SELECT status INTO now_is FROM sys.jobs WHERE job_id = job;
    COMMIT; -- refused within a transaction block; the next look has a snapshot of its own
    EXIT WHEN now_is IS NULL OR now_is IN ('completed', 'failed') OR clock_timestamp() > began + patience;
    PERFORM pg_sleep(0.02);
  END LOOP;
  succeeded := coalesce(now_is = 'completed', false);
END $$;

-- IAM

CREATE TABLE IF NOT EXISTS _dsql_iam_mappings (
  iam_oid oid PRIMARY KEY,
  arn text NOT NULL,
  pg_role_oid oid NOT NULL,
  grantor_pg_role_oid oid NOT NULL,
  UNIQUE (pg_role_oid, arn)
);

-- Of the same numbers as roles have, as on a cluster; earlier versions took others.
CREATE OR REPLACE FUNCTION _dsql_new_iam_oid() RETURNS oid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  drawn oid;
BEGIN
  LOOP
    drawn := pg_nextoid('pg_authid', 'oid', 'pg_authid_oid_index');
    EXIT WHEN NOT EXISTS (SELECT FROM _dsql_iam_mappings WHERE iam_oid = drawn);
  END LOOP;
  RETURN drawn;
END $$;

ALTER TABLE _dsql_iam_mappings ALTER iam_oid SET DEFAULT _dsql_new_iam_oid();

DROP SEQUENCE IF EXISTS _dsql_iam_oids;

CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
  SELECT iam_oid, arn, pg_role_oid, r.rolname AS pg_role_name,
         grantor_pg_role_oid, pg_get_userbyid(grantor_pg_role_oid) AS grantor_pg_role_name
  FROM _dsql_iam_mappings JOIN pg_roles r ON r.oid = pg_role_oid ORDER BY iam_oid;

GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

CREATE OR REPLACE FUNCTION sys.current_session_id() RETURNS text LANGUAGE sql STABLE
RETURN sys.uuid_to_base32_str(md5(pg_backend_pid() || ' ' || pg_postmaster_start_time())::uuid);

-- The keys of the cluster stand for every identity that a role is mapped to.
CREATE OR REPLACE FUNCTION sys.iam_session_user() RETURNS text LANGUAGE sql STABLE
RETURN coalesce((SELECT min(arn) FROM sys.iam_pg_role_mappings WHERE pg_role_name = session_user),
                'arn:aws:iam::000000000000:user/local');

CREATE OR REPLACE FUNCTION _dsql_is_mapped(role text) RETURNS boolean LANGUAGE sql STABLE
RETURN role = 'admin' OR EXISTS (SELECT FROM sys.iam_pg_role_mappings WHERE pg_role_name = role);

GRANT SELECT, INSERT, DELETE ON _dsql_iam_mappings TO admin;

CREATE OR REPLACE FUNCTION _dsql_trusting_role(role text, arns text[]) RETURNS pg_roles
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_role pg_roles;
BEGIN
  SELECT * INTO found_role FROM pg_roles WHERE rolname = role AND NOT rolsuper;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'role "%" does not exist', role USING ERRCODE = '42704';
  ELSIF NOT pg_has_role(session_user, 'admin', 'MEMBER') THEN
    RAISE EXCEPTION 'permission denied to grant IAM trust with role %', role USING ERRCODE = '42501';
  ELSIF EXISTS (SELECT FROM unnest(arns) AS arn WHERE arn !~ '^arn:aws[a-z-]*:iam::\d{12}:(role|user)/\S+$') THEN
    RAISE EXCEPTION 'IAM role must look like an IAM ARN' USING ERRCODE = '22023';
  END IF;
  RETURN found_role;
END $$;

-- Granting a privilege that PUBLIC has anyway makes DROP ROLE refuse a role that is still mapped; that on the type of
-- a table's rows is listed and dumped by nobody.
GRANT USAGE ON TYPE _dsql_iam_mappings TO admin WITH GRANT OPTION;

CREATE OR REPLACE FUNCTION _dsql_iam_grant(role text, arns text[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trusting CONSTANT pg_roles := _dsql_trusting_role(role, arns);
BEGIN
  IF NOT trusting.rolcanlogin THEN
    RAISE EXCEPTION 'role % must have the LOGIN attribute', role USING ERRCODE = '22023';
  END IF;
  INSERT INTO _dsql_iam_mappings (arn, pg_role_oid, grantor_pg_role_oid)
    SELECT arn, trusting.oid, session_user::regrole FROM unnest(arns) AS arn ON CONFLICT (pg_role_oid, arn) DO NOTHING;
  EXECUTE format('GRANT USAGE ON TYPE _dsql_iam_mappings TO %I', role);
END $$;

CREATE OR REPLACE FUNCTION _dsql_iam_revoke(role text, arns text[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trusting CONSTANT pg_roles := _dsql_trusting_role(role, arns);
BEGIN
  DELETE FROM _dsql_iam_mappings WHERE pg_role_oid = trusting.oid AND arn = ANY (arns);
  IF NOT _dsql_is_mapped(role) THEN
    EXECUTE format('REVOKE USAGE ON TYPE _dsql_iam_mappings FROM %I', role);
  END IF;
END $$;

-- In earlier versions that was a privilege on schema sys, which \dn+ shows.
REVOKE USAGE ON SCHEMA sys FROM admin CASCADE;

DO $$
DECLARE
  mapped record;
BEGIN
  FOR mapped IN SELECT DISTINCT pg_role_oid::regrole AS role FROM _dsql_iam_mappings JOIN pg_roles ON oid = pg_role_oid
                WHERE rolname <> 'admin' LOOP
    EXECUTE format('REVOKE USAGE ON SCHEMA sys FROM %s', mapped.role);
    SET LOCAL ROLE admin;
    EXECUTE format('GRANT USAGE ON TYPE _dsql_iam_mappings TO %s', mapped.role);
    RESET ROLE;
  END LOOP;
END $$;

-- Limits of the changes of a transaction: a statement trigger for each kind of change on each table

CREATE TABLE IF NOT EXISTS _dsql_oversize ();

CREATE OR REPLACE FUNCTION _dsql_refuse_size() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  megabyte CONSTANT numeric := 1048576;
BEGIN
  RAISE EXCEPTION 'transaction size limit %mb exceeded', round(_dsql_limit('max_bytes', 10485760) / megabyte)
    USING ERRCODE = '54000',
          DETAIL = format('Current transaction size %smb > %smb', ceil(current_setting('dsql.bytes')::bigint / megabyte),
                          round(_dsql_limit('max_bytes', 10485760) / megabyte));
END $$;

DROP TRIGGER IF EXISTS refuse ON _dsql_oversize;

CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON _dsql_oversize DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION _dsql_refuse_size();

UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = '_dsql_oversize'::regclass;

-- Makes COMMIT refuse the transaction.
CREATE OR REPLACE FUNCTION _dsql_doom() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO _dsql_oversize DEFAULT VALUES;
END;

-- Compressed sizes count, so the rows that are stored are measured, as the user who stored them; older rows
-- cannot be too wide. Who may not read the table has the rows measured as they came.
CREATE OR REPLACE FUNCTION _dsql_wide_source(relation regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN has_table_privilege(relation, 'SELECT') THEN relation::text ELSE 'changed' END;

-- The size of the longest key of a row, without its header of 4 bytes, as an expression; NULL when no key can grow.
CREATE OR REPLACE FUNCTION _dsql_key_size(relation oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN (
  SELECT 'greatest(' || string_agg(size, ', ') || ')' FROM (
    SELECT string_agg(format('coalesce(pg_column_size(%I) - 4, 0)', attname), ' + ') AS size
    FROM pg_index, generate_series(0, indnkeyatts - 1) AS i,
         LATERAL (SELECT * FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[i]) AS a
    WHERE indrelid = relation GROUP BY indexrelid HAVING bool_or(attlen = -1)) AS sizes
);

CREATE OR REPLACE FUNCTION _dsql_count_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n bigint;
  size bigint;
  widest bigint := 0;
  before bigint;
  keys text;
  longest bigint;
  columns text;
  kind text;
BEGIN
  IF TG_OP = 'DELETE' THEN
    SELECT count(*), 0 INTO n, size FROM changed;
  ELSE
    SELECT count(*), sum(bytes), max(bytes) INTO n, size, widest
      FROM (SELECT pg_column_size(changed.*) AS bytes FROM changed OFFSET 0) AS rows; -- each row weighed once
  END IF;
  IF n = 0 THEN
    RETURN NULL;
  END IF;
  n := n + coalesce(nullif(current_setting('dsql.rows', true), '')::bigint, 0);
  IF n > _dsql_limit('max_rows', 3000) THEN
    RAISE EXCEPTION 'transaction row limit exceeded' USING ERRCODE = '54000';
  END IF;
  before := coalesce(nullif(current_setting('dsql.bytes', true), '')::bigint, 0);
  size := size + before;
  PERFORM _dsql_set_config('dsql.rows', n::text, true), _dsql_set_config('dsql.bytes', size::text, true);
  IF size > _dsql_limit('max_bytes', 10485760) AND before <= _dsql_limit('max_bytes', 10485760) THEN
    PERFORM _dsql_doom();
  END IF;
  IF widest > _dsql_limit('max_key_bytes', 1981) THEN
    keys := _dsql_key_size(TG_RELID);
    IF keys IS NOT NULL THEN
      EXECUTE format('SELECT max(%s) FROM changed', keys) INTO longest;
    END IF;
    IF longest > _dsql_limit('max_key_bytes', 1981) THEN
      RAISE EXCEPTION 'key size too large' USING ERRCODE = '54000';
    END IF;
  END IF;
  IF widest > _dsql_limit('max_column_bytes', 1048576) THEN
    SELECT string_agg(format('(%L, pg_column_size(t.%I))', format_type(atttypid, NULL), attname), ', ' ORDER BY attnum)
      INTO columns FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('SELECT kind FROM %s AS t, LATERAL (VALUES %s) AS c (kind, size) WHERE size > $1 LIMIT 1',
                   _dsql_wide_source(TG_RELID), columns) INTO kind USING _dsql_limit('max_column_bytes', 1048576);
    IF kind IS NOT NULL THEN
      RAISE EXCEPTION 'datatype limit greater than % bytes not supported for %',
        _dsql_limit('max_column_bytes', 1048576), kind USING ERRCODE = '54000';
    END IF;
    EXECUTE format('SELECT ''a row'' FROM %s AS t, LATERAL (SELECT sum(size) AS size FROM (VALUES %s) AS c (kind, size)) AS r
                    WHERE r.size > $1 LIMIT 1', _dsql_wide_source(TG_RELID), columns)
      INTO kind USING _dsql_limit('max_row_bytes', 2097152);
    IF kind IS NOT NULL THEN
      RAISE EXCEPTION 'maximum row size exceeded' USING ERRCODE = '54000';
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Internal triggers do not show in information_schema nor in psql's \d, and only a superuser alters them.
CREATE OR REPLACE FUNCTION _dsql_watch(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  event text;
BEGIN
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgfoid = '_dsql_count_changes'::regproc) THEN
    RETURN;
  END IF;
  FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s REFERENCING %s TABLE AS changed
                    FOR EACH STATEMENT EXECUTE FUNCTION _dsql_count_changes()',
                   '_dsql_' || lower(event), event, relation, CASE event WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
  END LOOP;
  UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = relation AND tgfoid = '_dsql_count_changes'::regproc;
END $$;

-- Limits of the number of objects

CREATE OR REPLACE FUNCTION _dsql_check_count(many bigint, setting text, standard bigint, words text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF many > _dsql_limit(setting, standard) THEN
    RAISE EXCEPTION '%', format(words, _dsql_limit(setting, standard)) USING ERRCODE = '54000';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION _dsql_check_counts() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own CONSTANT oid[] := array(
    SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'sys'));
  kinds CONSTANT jsonb := coalesce((
    SELECT jsonb_object_agg(relkind, many) FROM (
      SELECT relkind, count(*) AS many FROM pg_class WHERE relnamespace = ANY (own) GROUP BY relkind) AS counts), '{}');
BEGIN
  PERFORM _dsql_check_count(cardinality(own), 'max_schemas', 10, 'more than %s schemas not allowed');
  PERFORM _dsql_check_count((kinds->>'r')::bigint, 'max_tables', 1000, 'creating more than %s tables not allowed');
  PERFORM _dsql_check_count((kinds->>'v')::bigint, 'max_views', 5000, 'creating more than %s views not allowed');
  PERFORM _dsql_check_count((kinds->>'S')::bigint, 'max_sequences', 5000, 'creating more than %s sequences is not allowed');
END $$;

CREATE OR REPLACE FUNCTION _dsql_check_columns(relation oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most CONSTANT bigint := _dsql_limit('max_columns', 255);
BEGIN
  IF (SELECT count(*) FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped) > most THEN
    RAISE EXCEPTION 'tables can have at most % columns', most USING ERRCODE = '54011';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION _dsql_check_indexes(relation oid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT _dsql_check_count((SELECT count(*) FROM pg_index WHERE indrelid = relation), 'max_indexes', 24,
                          'more than %s indexes per table are not allowed');
END;

CREATE OR REPLACE FUNCTION _dsql_check_key(index oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  longest CONSTANT bigint := _dsql_limit('max_declared_key_bytes', 2000);
  part record;
  declared bigint := 0;
BEGIN
  FOR part IN
    SELECT atttypid::regtype AS kind, atttypmod - 4 AS length FROM pg_attribute JOIN pg_index ON indexrelid = attrelid
    WHERE attrelid = index AND attnum <= indnkeyatts ORDER BY attnum
  LOOP
    IF _dsql_is_no_key(part.kind) THEN
      RAISE EXCEPTION 'datatype % is not supported in a key', part.kind USING ERRCODE = '0A000';
    ELSIF part.kind IN ('varchar'::regtype, 'bpchar'::regtype) AND part.length > 0 THEN
      declared := declared + part.length;
    END IF;
  END LOOP;
  IF declared > longest THEN
    RAISE EXCEPTION 'key size greater than % bytes not supported', longest USING ERRCODE = '54000';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION _dsql_check_made() RETURNS event_trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made record;
BEGIN
  IF TG_TAG <> 'ALTER TABLE' THEN
    PERFORM _dsql_check_counts();
  END IF;
  FOR made IN
    SELECT c.oid, relkind, indrelid FROM pg_event_trigger_ddl_commands() JOIN pg_class c ON c.oid = objid
      LEFT JOIN pg_index ON indexrelid = c.oid
    WHERE classid = 'pg_class'::regclass AND relpersistence = 'p' -- not private copies
  LOOP
    IF made.relkind = 'r' THEN
      PERFORM _dsql_check_columns(made.oid), _dsql_check_indexes(made.oid);
    ELSIF made.relkind = 'v' AND length(pg_get_viewdef(made.oid)) > _dsql_limit('max_view_bytes', 2097152) THEN
      RAISE EXCEPTION 'view definition too large' USING ERRCODE = '54000';
    ELSIF made.relkind = 'i' THEN
      PERFORM _dsql_check_key(made.oid);
      IF TG_TAG = 'CREATE INDEX' THEN
        PERFORM _dsql_check_indexes(made.indrelid);
      END IF;
    END IF;
  END LOOP;
END $$;

-- As the superuser, who alone writes the catalog itself and puts triggers on users' tables.
CREATE OR REPLACE FUNCTION _dsql_when_made() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM CASE relkind WHEN 'r' THEN _dsql_watch(c.oid) WHEN 'i' THEN _dsql_put_off_index(c.oid) END
    FROM pg_event_trigger_ddl_commands() JOIN pg_class c ON c.oid = objid
    WHERE classid = 'pg_class'::regclass AND relpersistence = 'p' -- not private copies
      AND (relkind = 'r' OR relkind = 'i' AND TG_TAG = 'CREATE INDEX');
END $$;

CREATE OR REPLACE FUNCTION _dsql_when_dropped() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM _dsql_record_job('DROP', classid, objid, NULL) FROM pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary AND (object_type = 'table' OR object_type = 'index' AND original);
END $$;

-- A build holds locks that the dropping statement needs; the job comes back to see whether its index is gone.
CREATE OR REPLACE FUNCTION _dsql_interrupt_jobs() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'dsql job' AND usename ~ '^local_job_\d$' AND state = 'active';
END $$;

-- Behind the dialect, which reads statements but no texts that they run, PostgreSQL itself refuses users the
-- commands that are not in this list, and the roles that run jobs all of them: a job is its owner's, and what such a
-- role had made would be in the hands of each owner after it. What is not a command of an event trigger's is its
-- superuser's alone.
CREATE OR REPLACE FUNCTION _dsql_refuse_command() RETURNS event_trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_user ~ '^local_job_\d$' OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT (
       TG_TAG = ANY ('{COMMENT,GRANT,REVOKE,ALTER DEFAULT PRIVILEGES,REINDEX,DROP TRIGGER}')
       OR TG_TAG ~ '^(CREATE|ALTER|DROP) (TABLE|INDEX|VIEW|SEQUENCE|SCHEMA|DOMAIN|FUNCTION|ROUTINE|STATISTICS)$') THEN
    RAISE EXCEPTION 'unsupported statement: %', TG_TAG USING ERRCODE = '0A000';
  END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS dsql_command;

CREATE EVENT TRIGGER dsql_command ON ddl_command_start EXECUTE FUNCTION _dsql_refuse_command();

DROP EVENT TRIGGER IF EXISTS dsql_checked;

DROP EVENT TRIGGER IF EXISTS dsql_made;

DROP EVENT TRIGGER IF EXISTS dsql_dropped;

DROP EVENT TRIGGER IF EXISTS dsql_dropping;

CREATE EVENT TRIGGER dsql_checked ON ddl_command_end
WHEN TAG IN ('CREATE SCHEMA', 'CREATE TABLE', 'CREATE VIEW', 'CREATE SEQUENCE', 'CREATE INDEX', 'ALTER TABLE')
EXECUTE FUNCTION _dsql_check_made();

CREATE EVENT TRIGGER dsql_made ON ddl_command_end
WHEN TAG IN ('CREATE SCHEMA', 'CREATE TABLE', 'CREATE INDEX', 'ALTER TABLE')
EXECUTE FUNCTION _dsql_when_made();

CREATE EVENT TRIGGER dsql_dropped ON sql_drop EXECUTE FUNCTION _dsql_when_dropped();

CREATE EVENT TRIGGER dsql_dropping ON ddl_command_start WHEN TAG IN ('DROP INDEX', 'DROP TABLE', 'DROP SCHEMA')
EXECUTE FUNCTION _dsql_interrupt_jobs();

-- Tables of earlier versions

SELECT _dsql_watch(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'sys');
