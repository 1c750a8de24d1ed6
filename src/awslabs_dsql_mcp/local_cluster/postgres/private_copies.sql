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
                 json_build_object('origin', origin::oid, 'copied', copied, 'exact', _dsql_can_be_copied(origin),
                                   'dependents', _dsql_dependents(origin), 'numbered', _dsql_numbered_columns(origin)));
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

-- Names of columns of which the copy takes values that the table refuses: GENERATED ALWAYS AS IDENTITY.
CREATE OR REPLACE FUNCTION _dsql_numbered_columns(relation regclass) RETURNS name[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array(SELECT attname FROM pg_attribute WHERE attrelid = relation AND attidentity = 'a' AND NOT attisdropped)
$$;

-- True if a copy behaves as the table for a statement that neither names a dependent nor writes a numbered column.
CREATE OR REPLACE FUNCTION _dsql_can_be_copied(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT NOT EXISTS ( -- a function in a default, a constraint or an index runs without being named
      SELECT FROM pg_depend JOIN pg_proc p ON p.oid = refobjid JOIN pg_namespace n ON n.oid = pronamespace
      WHERE refclassid = 'pg_proc'::regclass AND nspname NOT IN ('pg_catalog', 'information_schema', 'sys')
        AND classid NOT IN ('pg_proc'::regclass, 'pg_rewrite'::regclass))
    AND (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relname = (SELECT relname FROM pg_class WHERE oid = relation) AND relpersistence <> 't'
           AND nspname NOT IN ('pg_catalog', 'information_schema', 'sys')) = 1
$$;

-- Names of what uses the table past its copy: functions, the views that call one, views of the table, and tables whose
-- rows a foreign key changes along with the table's.
CREATE OR REPLACE FUNCTION _dsql_dependents(relation regclass) RETURNS name[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE functions AS (
    SELECT p.oid, proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'sys')
  ), links (used, by) AS (
    SELECT refobjid, ev_class FROM pg_depend JOIN pg_rewrite r ON r.oid = objid
    WHERE classid = 'pg_rewrite'::regclass AND refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
    UNION ALL
    SELECT CASE way WHEN 1 THEN conrelid ELSE confrelid END, CASE way WHEN 1 THEN confrelid ELSE conrelid END
    FROM pg_constraint, generate_series(1, 2) AS way
    WHERE contype = 'f' AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))
  ), dependents (oid) AS (
    SELECT by FROM links WHERE used = relation OR used IN (SELECT oid FROM functions)
    UNION
    SELECT by FROM dependents JOIN links ON used = oid
  )
  SELECT array(SELECT proname FROM functions
               UNION SELECT relname FROM dependents JOIN pg_class USING (oid) WHERE oid <> relation)
$$;

-- Writes the changes of the copies to the tables; transactions that changed the same rows meanwhile win.
CREATE OR REPLACE FUNCTION _dsql_write_back() RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  copies CONSTANT jsonb := (SELECT jsonb_agg(to_jsonb(one)) FROM _dsql_copies() AS one);
  copy record;
BEGIN
  -- Rows go after those that refer to them, and come before them.
  FOR copy IN SELECT * FROM jsonb_to_recordset(copies)
    AS (own text, origin text, copied text, exact boolean, key text, columns text, changes text, ancestors bigint) ORDER BY ancestors DESC
  LOOP
    IF copy.key IS NULL OR NOT copy.exact THEN
      RAISE EXCEPTION 'a table that cannot be written back' USING ERRCODE = 'serialization_failure';
    END IF;
    EXECUTE format('DELETE FROM %s o WHERE NOT EXISTS (SELECT FROM %s c WHERE %s)', copy.origin, copy.own, copy.key);
  END LOOP;
  FOR copy IN SELECT * FROM jsonb_to_recordset(copies)
    AS (own text, origin text, copied text, exact boolean, key text, columns text, changes text, ancestors bigint) ORDER BY ancestors
  LOOP
    EXECUTE format('UPDATE %s o SET %s FROM %s c WHERE %s AND concat(c.xmin, '' '', c.cmin) IS DISTINCT FROM %L',
                   copy.origin, copy.changes, copy.own, copy.key, copy.copied);
    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE '
                   'SELECT %2$s FROM %3$s c WHERE NOT EXISTS (SELECT FROM %1$s o WHERE %4$s)',
                   copy.origin, copy.columns, copy.own, copy.key);
  END LOOP;
  FOR copy IN SELECT * FROM jsonb_to_recordset(copies) AS (own text) LOOP
    EXECUTE format('DROP TABLE %s', copy.own);
  END LOOP;
END $$;

-- The copies, with the number of those to whose tables a table refers, through others too.
CREATE OR REPLACE FUNCTION _dsql_copies(OUT own regclass, OUT origin regclass, OUT copied text, OUT exact boolean,
  OUT key text, OUT columns text, OUT changes text, OUT ancestors bigint) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE copies AS (
    SELECT oid::regclass AS own, (told->>'origin')::oid::regclass AS origin, told->>'copied' AS copied,
           (told->>'exact')::boolean AS exact
    FROM pg_class, LATERAL (SELECT obj_description(oid, 'pg_class')::json) AS comments (told)
    WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
  ), refers (child, parent) AS (
    SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
    UNION
    SELECT child, confrelid FROM refers JOIN pg_constraint ON conrelid = parent AND contype = 'f'
  )
  SELECT own, origin, copied, exact,
    (SELECT string_agg(format('o.%1$I = c.%1$I', attname), ' AND ')
     FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = origin AND indisprimary),
    _dsql_stored_columns(origin),
    (SELECT string_agg(format('%1$I = c.%1$I', attname), ', ') FROM pg_attribute
     WHERE attrelid = origin AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a'),
    (SELECT count(*) FROM refers JOIN copies AS other ON other.origin = parent WHERE child = copies.origin)
  FROM copies
$$;
