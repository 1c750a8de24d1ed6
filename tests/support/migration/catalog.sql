WITH
schema AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'sys')
),
relation AS (
  SELECT c.*, concat(nspname, '.', relname) AS name,
         CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view'
                      WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'table' WHEN 'i' THEN 'index' ELSE 'index' END AS kind
  FROM pg_class c JOIN schema s ON s.oid = relnamespace
  WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') AND relname !~ '^dsql_mcp_progress'
),
indexes AS (
  SELECT * FROM relation
  WHERE kind = 'index' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = relation.oid AND contype IN ('p', 'u', 'x'))
),
-- What extensions made is theirs.
extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
columns AS (
  SELECT a.*, concat(r.name, '.', attname) AS name, r.relowner, r.kind,
         row_number() OVER (PARTITION BY attrelid ORDER BY attnum) AS position
  FROM pg_attribute a JOIN relation r ON r.oid = attrelid
  WHERE attnum > 0 AND NOT attisdropped AND r.kind IN ('table', 'view')
),
constraints AS (
  SELECT k.*, CASE WHEN conrelid <> 0 THEN concat((SELECT name FROM relation WHERE oid = conrelid), '.', conname)
                   ELSE concat((SELECT nspname FROM schema WHERE oid = t.typnamespace), '.', typname, '.', conname)
              END AS name
  FROM pg_constraint k LEFT JOIN pg_type t ON t.oid = contypid JOIN schema s ON s.oid = connamespace
  -- A foreign key to a partitioned table has one more for each partition.
  WHERE contype <> 'n' AND (contype <> 'f' OR conparentid = 0) AND conname !~ '^dsql_mcp_progress'
),
types AS (
  SELECT t.*, concat(nspname, '.', typname) AS name,
         CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind
  FROM pg_type t JOIN schema s ON s.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
  WHERE typtype IN ('d', 'e', 'r') OR typtype = 'c' AND c.relkind = 'c'
),
functions AS (
  SELECT p.*, concat(nspname, '.', proname, '(', pg_get_function_identity_arguments(p.oid), ')') AS name
  FROM pg_proc p JOIN schema s ON s.oid = pronamespace
  WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
),
made_role AS (
  SELECT a.* FROM pg_roles a WHERE oid >= 16384 AND rolname NOT IN ('admin', 'pg_superuser') AND rolname !~ '^local_job_'
),
granted(kind, name, owner, privileges) AS (
  SELECT 'schema', nspname::text, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM schema
  UNION ALL
  SELECT kind, name, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))
  FROM relation WHERE kind <> 'index'
  UNION ALL SELECT 'column', name, relowner, attacl FROM columns WHERE attacl IS NOT NULL
  UNION ALL SELECT 'function', name, proowner, coalesce(proacl, acldefault('f', proowner)) FROM functions
  UNION ALL SELECT kind, name, typowner, coalesce(typacl, acldefault('T', typowner)) FROM types
),
described(kind, name, text) AS (
  SELECT 'schema', nspname::text, obj_description(oid, 'pg_namespace') FROM schema
  UNION ALL SELECT kind, name, obj_description(oid, 'pg_class') FROM relation
  UNION ALL SELECT 'column', name, col_description(attrelid, attnum) FROM columns
  UNION ALL SELECT 'constraint', name, obj_description(oid, 'pg_constraint') FROM constraints
  UNION ALL SELECT kind, name, obj_description(oid, 'pg_type') FROM types
  UNION ALL SELECT 'function', name, obj_description(oid, 'pg_proc') FROM functions
)
SELECT 'schema', nspname::text, 'exists', 'schema' FROM schema
UNION ALL
SELECT kind, name, 'exists',
       CASE relkind WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                    ELSE kind END FROM relation
WHERE kind <> 'index' OR oid IN (SELECT oid FROM indexes)
UNION ALL SELECT kind, name, 'persistence', relpersistence::text FROM relation WHERE kind = 'table'
UNION ALL SELECT kind, name, 'options', array_to_string(reloptions, ', ') FROM relation
WHERE reloptions <> '{}' AND (kind <> 'index' OR oid IN (SELECT oid FROM indexes))
UNION ALL SELECT 'constraint', k.name, 'options', array_to_string(reloptions, ', ')
FROM constraints k JOIN pg_class c ON c.oid = conindid WHERE reloptions <> '{}'
UNION ALL SELECT kind, name, 'row security', 'on' FROM relation WHERE relrowsecurity OR relforcerowsecurity
UNION ALL SELECT 'table', name, 'inherits', (SELECT string_agg(inhparent::regclass::text, ', ') FROM pg_inherits WHERE inhrelid = oid)
FROM relation WHERE kind = 'table' AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = oid)
UNION ALL SELECT 'column', name, 'exists', 'column' FROM columns
UNION ALL SELECT 'column', name, 'position', position::text FROM columns
UNION ALL SELECT 'column', name, 'type', format_type(atttypid, atttypmod) FROM columns
UNION ALL SELECT 'column', name, 'not null', attnotnull::text FROM columns
UNION ALL SELECT 'column', name, 'default', pg_get_expr(adbin, adrelid)
FROM columns JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attgenerated = ''
UNION ALL SELECT 'column', name, 'generated', pg_get_expr(adbin, adrelid)
FROM columns JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attgenerated <> ''
UNION ALL SELECT 'column', name, 'identity', CASE attidentity WHEN 'a' THEN 'always' ELSE 'by default' END
FROM columns WHERE attidentity <> ''
UNION ALL SELECT 'column', name, 'collation', collname
FROM columns JOIN pg_collation c ON c.oid = attcollation WHERE collname <> 'default'
UNION ALL SELECT 'constraint', name, 'exists', contype::text FROM constraints
UNION ALL SELECT 'constraint', name, 'definition', pg_get_constraintdef(oid) FROM constraints WHERE contype <> 't'
UNION ALL
SELECT 'index', r.name, 'definition',
       concat(CASE WHEN indisunique THEN 'unique ' END,
              (SELECT string_agg(concat(pg_get_indexdef(indexrelid, at, true),
                                        CASE WHEN at <= indnkeyatts THEN
                                        CASE indoption[at - 1] & 3 WHEN 1 THEN ' desc nulls last' WHEN 2 THEN ' nulls first'
                                                              WHEN 3 THEN ' desc' END END), ', ' ORDER BY at)
               FROM generate_series(1, indnkeyatts) at),
              (SELECT concat(' include ', string_agg(pg_get_indexdef(indexrelid, at, true), ', ' ORDER BY at))
               FROM generate_series(indnkeyatts + 1, indnatts) at HAVING count(*) > 0),
              CASE WHEN indnullsnotdistinct THEN ' nulls not distinct' END,
              ' where ' || pg_get_expr(indpred, indrelid))
FROM pg_index JOIN indexes r ON r.oid = indexrelid
UNION ALL SELECT 'index', r.name, 'valid', (indisvalid AND indisready)::text FROM pg_index JOIN indexes r ON r.oid = indexrelid
UNION ALL SELECT 'index', r.name, 'method', amname FROM indexes r JOIN pg_am a ON a.oid = relam
UNION ALL SELECT 'index', r.name, 'table', t.name FROM pg_index JOIN indexes r ON r.oid = indexrelid JOIN relation t ON t.oid = indrelid
UNION ALL SELECT 'sequence', r.name, aspect, value
FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid,
LATERAL (VALUES ('type', format_type(seqtypid, NULL)), ('increment', seqincrement::text), ('minimum', seqmin::text),
                ('maximum', seqmax::text), ('cycle', seqcycle::text), ('start', seqstart::text)) f(aspect, value)
UNION ALL SELECT 'sequence', r.name, 'owned by', c.name
FROM relation r JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = r.oid AND deptype IN ('a', 'i')
JOIN columns c ON refclassid = 'pg_class'::regclass AND c.attrelid = refobjid AND c.attnum = refobjsubid WHERE r.kind = 'sequence'
UNION ALL SELECT kind, name, 'exists', CASE typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' ELSE 'composite' END
FROM types
UNION ALL SELECT kind, name, 'type', format_type(typbasetype, typtypmod) FROM types WHERE typtype = 'd'
UNION ALL SELECT kind, name, 'not null', typnotnull::text FROM types WHERE typtype = 'd'
UNION ALL SELECT kind, name, 'default', typdefault FROM types WHERE typdefault IS NOT NULL
UNION ALL SELECT 'function', name, 'exists', CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END
FROM functions
UNION ALL SELECT 'function', name, 'definition', pg_get_functiondef(oid) FROM functions WHERE prokind <> 'a'
UNION ALL SELECT 'view', name, 'definition', pg_get_viewdef(oid) FROM relation WHERE kind = 'view'
UNION ALL SELECT 'trigger', concat(r.name, '.', tgname), 'exists', 'trigger' FROM pg_trigger JOIN relation r ON r.oid = tgrelid
WHERE NOT tgisinternal
UNION ALL SELECT 'rule', concat(r.name, '.', rulename), 'exists', 'rule' FROM pg_rewrite JOIN relation r ON r.oid = ev_class
WHERE rulename <> '_RETURN'
UNION ALL SELECT 'policy', concat(r.name, '.', polname), 'exists', 'policy' FROM pg_policy JOIN relation r ON r.oid = polrelid
UNION ALL SELECT 'extension', extname::text, 'exists', 'extension' FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'statistics', concat(nspname, '.', stxname), 'exists', 'statistics'
FROM pg_statistic_ext JOIN schema s ON s.oid = stxnamespace
UNION ALL SELECT 'event trigger', evtname::text, 'exists', 'event trigger' FROM pg_event_trigger WHERE evtname !~ '^dsql_'
UNION ALL SELECT 'publication', pubname::text, 'exists', 'publication' FROM pg_publication
UNION ALL SELECT 'collation', concat(nspname, '.', collname), 'exists', 'collation'
FROM pg_collation JOIN schema s ON s.oid = collnamespace
UNION ALL SELECT 'operator', concat(nspname, '.', oprname), 'exists', 'operator' FROM pg_operator JOIN schema s ON s.oid = oprnamespace
UNION ALL SELECT 'cast', format_type(castsource, NULL) || '->' || format_type(casttarget, NULL), 'exists', 'cast'
FROM pg_cast WHERE oid >= 16384
UNION ALL SELECT kind, name, 'comment', text FROM described WHERE text IS NOT NULL AND name <> 'public'
UNION ALL
SELECT kind, name, 'privileges', string_agg(line, ', ' ORDER BY line COLLATE "C")
FROM (SELECT kind, name, concat(coalesce(rolname, 'PUBLIC'), ' ', privilege_type, CASE WHEN is_grantable THEN ' with grant' END) line
      FROM granted, aclexplode(privileges) LEFT JOIN pg_roles r ON r.oid = grantee
      WHERE grantee <> owner AND rolname IS DISTINCT FROM 'pg_database_owner') g
GROUP BY kind, name
UNION ALL SELECT 'role', rolname::text, 'exists', 'role' FROM made_role
UNION ALL SELECT 'role', rolname::text, 'attributes',
       concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcanlogin THEN 'login' END,
                 CASE WHEN NOT rolinherit THEN 'noinherit' END, CASE WHEN rolcreaterole THEN 'createrole' END,
                 CASE WHEN rolcreatedb THEN 'createdb' END, CASE WHEN rolreplication THEN 'replication' END,
                 CASE WHEN rolbypassrls THEN 'bypassrls' END, CASE WHEN rolconnlimit <> -1 THEN 'limit' END)
FROM made_role
UNION ALL SELECT 'role', concat(m.rolname, ' in ', g.rolname), 'exists', 'membership'
FROM pg_auth_members a JOIN made_role g ON g.oid = a.roleid JOIN made_role m ON m.oid = a.member
UNION ALL SELECT 'role', r.rolname::text, 'comment', shobj_description(r.oid, 'pg_authid') FROM made_role r
WHERE shobj_description(r.oid, 'pg_authid') IS NOT NULL
UNION ALL SELECT 'default privileges', concat_ws(' ', CASE WHEN own THEN 'own' ELSE defaclrole::regrole::text END,
                 defaclnamespace::regnamespace::text, defaclobjtype::text), 'exists', line
FROM (SELECT d.*, NOT EXISTS (SELECT FROM made_role m WHERE m.oid = defaclrole) AS own,
             (SELECT string_agg(concat(coalesce(grantee::regrole::text, 'PUBLIC'), ' ', privilege_type), ', ')
              FROM aclexplode(defaclacl) WHERE grantee <> defaclrole) AS line FROM pg_default_acl d) d WHERE line <> ''
UNION ALL SELECT 'setting', concat(CASE WHEN setrole <> 0 THEN setrole::regrole::text ELSE 'database' END), 'exists',
       array_to_string(setconfig, ', ')
FROM pg_db_role_setting LEFT JOIN made_role m ON m.oid = setrole
WHERE setrole = 0 AND setdatabase <> 0 AND current_database() <> 'postgres' OR m.oid IS NOT NULL
