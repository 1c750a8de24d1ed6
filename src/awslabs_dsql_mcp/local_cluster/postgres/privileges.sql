-- The functions of sys, and of ours in pg_catalog, that users may call, by themselves or through what calls them as
-- the user; the others are the superuser's. Run last, since it is about all of them.

REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA sys FROM PUBLIC;

DO $$
DECLARE
  ours record;
BEGIN
  FOR ours IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE '\_dsql\_%' LOOP
    EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', ours.oid::regprocedure);
  END LOOP;
END $$;

-- Aurora DSQL's own

GRANT EXECUTE ON FUNCTION sys.dsql_major_version(), sys.cluster_size(), sys.cluster_size_limit(),
  sys.uuid_to_base32_str(uuid), sys.base32_str_to_uuid(text), sys.current_session_id(), sys.iam_session_user()
TO PUBLIC;

GRANT EXECUTE ON PROCEDURE sys.wait_for_job(text, boolean) TO PUBLIC;

-- The same by default: pg_dump prepares a query for each function with privileges of its own, which a cluster refuses.

UPDATE pg_proc SET proacl = NULL
WHERE pronamespace = 'sys'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE');

-- What the dialect and the session make of a user's statements

GRANT EXECUTE ON FUNCTION _dsql_create_index_async(text, text, text[]), _dsql_drop_from_table(text, text, text[], text[]),
  _dsql_validate_constraint_async(text), _dsql_iam_grant(text, text[]), _dsql_iam_revoke(text, text[]),
  _dsql_shadow(text, text, name[]), _dsql_write_back()
TO PUBLIC;

-- What those, the views, and the triggers of a user's statements call

GRANT EXECUTE ON FUNCTION _dsql_name(oid), _dsql_is_no_key(oid), _dsql_limit(text, bigint), _dsql_record_validation(oid),
  _dsql_is_mapped(text), _dsql_trusting_role(text, text[]), _dsql_doom(), _dsql_new_iam_oid(), _dsql_key_size(oid),
  _dsql_wide_source(regclass), _dsql_check_count(bigint, text, bigint, text), _dsql_check_counts(),
  _dsql_check_columns(oid), _dsql_check_indexes(oid), _dsql_check_key(oid), _dsql_stored_columns(regclass),
  _dsql_can_be_copied(regclass), _dsql_dependents(regclass), _dsql_copies(), _dsql_numbered_columns(regclass),
  _dsql_set_config(text, text, boolean), _dsql_refuse_setting(text), _dsql_settable(text),
  _dsql_set_checked(text, text, boolean),
  _dsql_own_setting(text, boolean), _dsql_shown_setting(text, text), _dsql_current_setting(text, boolean),
  _dsql_tablespace_size(oid), _dsql_function_is_visible(oid), _dsql_table_is_visible(oid)
TO PUBLIC;

-- Functions of PostgreSQL's that run a text of SQL, which the dialect does not see

DO $$
DECLARE
  running regprocedure;
BEGIN
  FOR running IN
    SELECT oid FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname IN ('ts_stat', 'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema')
           OR (proname, oidvectortypes(proargtypes)) = ('ts_rewrite', 'tsquery, text'))
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', running);
  END LOOP;
END $$;

-- What lists the objects that need no schema, such as \dfS and \dS, asks whether they are visible; ours say no. For the
-- planner to put the expressions in place of the calls they have no subquery (see pg_tablespace_size).

DO $$
DECLARE
  kind record;
BEGIN
  FOR kind IN
    SELECT 'function' AS name, array(SELECT oid FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE '\_dsql\_%') AS ours
    UNION ALL SELECT 'table', array(SELECT c.oid FROM pg_class c LEFT JOIN pg_index ON indexrelid = c.oid
      WHERE relnamespace = 'pg_catalog'::regnamespace
        AND coalesce((SELECT relname FROM pg_class WHERE oid = indrelid), relname) LIKE '\_dsql\_%')
  LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.pg_%1$s_is_visible(oid) RETURNS boolean LANGUAGE sql STABLE '
                   'RETURN pg_catalog._dsql_%1$s_is_visible($1) AND $1 <> ALL (%2$L::oid[])', kind.name, kind.ours);
  END LOOP;
END $$;

-- pg_dump leaves out the members of an extension, and what pg_catalog has, where their privileges are as recorded here

INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
SELECT class, object, 0, 'pg_extension'::regclass, pg_extension.oid, 0, 'e'
FROM pg_extension, (
  SELECT 'pg_namespace'::regclass, 'sys'::regnamespace::oid
  UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'sys'::regnamespace
  UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'sys'::regnamespace) AS members (class, object)
WHERE extname = 'plpgsql' AND NOT EXISTS (
  SELECT FROM pg_depend WHERE (classid, objid, refclassid) = (class, object, 'pg_extension'::regclass));

DELETE FROM pg_init_privs
WHERE classoid IN ('pg_class'::regclass, 'pg_language'::regclass, 'pg_proc'::regclass) AND objsubid = 0
  OR objoid = 'sys'::regnamespace;

INSERT INTO pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
SELECT oid, 'pg_class'::regclass, 0, 'i', relacl FROM pg_class
  WHERE (oid < 16384 OR relnamespace IN ('pg_catalog'::regnamespace, 'sys'::regnamespace)) AND relacl IS NOT NULL
UNION ALL
SELECT oid, 'pg_language'::regclass, 0, 'i', lanacl FROM pg_language WHERE lanacl IS NOT NULL
UNION ALL
SELECT oid, 'pg_proc'::regclass, 0, 'i', proacl FROM pg_proc
  WHERE (oid < 16384 OR pronamespace IN ('pg_catalog'::regnamespace, 'sys'::regnamespace)) AND proacl IS NOT NULL
UNION ALL
SELECT oid, 'pg_namespace'::regclass, 0, 'i', nspacl FROM pg_namespace WHERE nspname = 'sys';
