-- Private copies of tables, for transactions whose changes conflict with another's (see session/conflicts.py).
-- All of it runs as the session's user: copying a table, and writing it back, evaluates its constraints,
-- its defaults and its indexes.

-- Copies a table, as this transaction sees it, into a temporary one of the same name.
CREATE OR REPLACE FUNCTION _dsql_shadow(in_schema text, called text, path name[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  origin regclass;
  columns text;
  identity record;
  copied text;
BEGIN
  SELECT c.oid INTO origin
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = called AND c.relkind = 'r' AND n.nspname = coalesce(in_schema, n.nspname)
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sys') AND n.oid <> pg_my_temp_schema()
  ORDER BY array_position(path, n.nspname) LIMIT 1;
  IF origin IS NULL THEN RETURN; END IF;
  IF NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = origin) THEN
    RAISE EXCEPTION 'the copy would be open to a role that the table is not' USING ERRCODE = 'serialization_failure';
  END IF;
  EXECUTE format('CREATE TEMPORARY TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
                 'INCLUDING GENERATED INCLUDING INDEXES) ON COMMIT DROP', called, origin);
  EXECUTE format('GRANT ALL ON pg_temp.%I TO PUBLIC', called);
  columns := _dsql_stored_columns(origin);
  EXECUTE format('INSERT INTO pg_temp.%I (%s) SELECT %2$s FROM %3$s', called, columns, origin);
  -- xmin and cmin of rows that were only copied; all others were changed.
  EXECUTE format('SELECT concat(xmin, '' '', cmin) FROM pg_temp.%I LIMIT 1', called) INTO copied;
  EXECUTE format('COMMENT ON TABLE pg_temp.%I IS %L', called,
                 json_build_object('origin', origin::oid, 'copied', copied, 'exact', _dsql_can_be_copied(origin)));
  FOR identity IN
    SELECT attname, pg_get_serial_sequence(origin::text, attname) AS numbers
    FROM pg_attribute WHERE attrelid = origin AND attidentity <> ''
  LOOP
    EXECUTE format('ALTER TABLE pg_temp.%I ALTER COLUMN %I SET DEFAULT nextval(%L)',
                   called, identity.attname, identity.numbers);
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION _dsql_stored_columns(relation regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;

-- True if a copy behaves as the table: no other object depends on it or uses the table itself.
CREATE OR REPLACE FUNCTION _dsql_can_be_copied(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND relation IN (conrelid, confrelid))
    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attidentity = 'a')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE refobjid = relation AND classid = 'pg_rewrite'::regclass)
    AND NOT EXISTS (
      SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
      WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'sys'))
    AND (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relname = (SELECT relname FROM pg_class WHERE oid = relation) AND relpersistence <> 't'
           AND nspname NOT IN ('pg_catalog', 'information_schema', 'sys')) = 1
$$;

-- Writes the changes of the copies to the tables; transactions that changed the same rows meanwhile win.
CREATE OR REPLACE FUNCTION _dsql_write_back() RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  copy record;
  key text;
  columns text;
  changes text;
BEGIN
  FOR copy IN
    SELECT oid::regclass AS own, (told->>'origin')::oid::regclass AS origin, told->>'copied' AS copied,
           (told->>'exact')::boolean AS exact
    FROM pg_class, LATERAL (SELECT obj_description(oid, 'pg_class')::json) AS comments (told) WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
  LOOP
    SELECT string_agg(format('o.%1$I = c.%1$I', attname), ' AND ') INTO key
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = copy.origin AND indisprimary;
    IF key IS NULL OR NOT copy.exact THEN
      RAISE EXCEPTION 'a table that cannot be written back' USING ERRCODE = 'serialization_failure';
    END IF;
    columns := _dsql_stored_columns(copy.origin);
    SELECT string_agg(format('%1$I = c.%1$I', attname), ', ') INTO changes
    FROM pg_attribute
    WHERE attrelid = copy.origin AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a';
    EXECUTE format('DELETE FROM %s o WHERE NOT EXISTS (SELECT FROM %s c WHERE %s)', copy.origin, copy.own, key);
    EXECUTE format('UPDATE %s o SET %s FROM %s c WHERE %s AND concat(c.xmin, '' '', c.cmin) IS DISTINCT FROM %L',
                   copy.origin, changes, copy.own, key, copy.copied);
    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE '
                   'SELECT %2$s FROM %3$s c WHERE NOT EXISTS (SELECT FROM %1$s o WHERE %4$s)',
                   copy.origin, columns, copy.own, key);
    EXECUTE format('DROP TABLE %s', copy.own);
  END LOOP;
END $$;
