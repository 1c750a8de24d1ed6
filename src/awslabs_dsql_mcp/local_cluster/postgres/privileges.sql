-- The functions of schema sys that users may call, by themselves or through what calls them as the user; the
-- others are the superuser's. Run last, since it is about all of them.

REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA sys FROM PUBLIC;

-- Aurora DSQL's own

GRANT EXECUTE ON FUNCTION sys.dsql_major_version(), sys.cluster_size(), sys.cluster_size_limit(),
  sys.uuid_to_base32_str(uuid), sys.base32_str_to_uuid(text), sys.current_session_id(), sys.iam_session_user()
TO PUBLIC;

GRANT EXECUTE ON PROCEDURE sys.wait_for_job(text, boolean) TO PUBLIC;

-- What the dialect and the session make of a user's statements

GRANT EXECUTE ON FUNCTION sys.create_index_async(text, text, text[]), sys.drop_from_table(text, text, text[], text[]),
  sys.validate_constraint_async(text), sys.iam_grant(text, text[]), sys.iam_revoke(text, text[]),
  sys.shadow(text, text, name[]), sys.write_back()
TO PUBLIC;

-- What those, the views, and the triggers of a user's statements call

GRANT EXECUTE ON FUNCTION sys._name(oid), sys._is_no_key(oid), sys._limit(text, bigint), sys._record_validation(oid),
  sys._is_mapped(text), sys._trusting_role(text, text[]), sys._doom(), sys._key_size(oid),
  sys._wide_source(regclass), sys._check_count(bigint, text, bigint, text), sys._check_counts(),
  sys._check_columns(oid), sys._check_indexes(oid), sys._check_key(oid), sys._stored_columns(regclass),
  sys._can_be_copied(regclass), sys._set_config(text, text, boolean), sys._refuse_setting(text)
TO PUBLIC;

-- pg_dump takes what pg_catalog has for the server's own where its privileges are as recorded here

DELETE FROM pg_init_privs
WHERE classoid IN ('pg_class'::regclass, 'pg_language'::regclass, 'pg_proc'::regclass) AND objsubid = 0;

INSERT INTO pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
SELECT oid, 'pg_class'::regclass, 0, 'i', relacl FROM pg_class WHERE oid < 16384 AND relacl IS NOT NULL
UNION ALL
SELECT oid, 'pg_language'::regclass, 0, 'i', lanacl FROM pg_language WHERE lanacl IS NOT NULL
UNION ALL
SELECT oid, 'pg_proc'::regclass, 0, 'i', proacl FROM pg_proc WHERE oid < 16384 AND proacl IS NOT NULL;
