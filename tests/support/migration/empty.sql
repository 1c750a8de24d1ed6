DO $$
DECLARE
  commands text[];
  command text;
BEGIN
  -- All are written before the first runs: CASCADE drops functions whose names are then unknown.
  SELECT array_agg(made) INTO commands FROM (
    SELECT format('DROP SCHEMA %I CASCADE', nspname) AS made FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'sys', 'public')
    UNION ALL
    SELECT format('DROP %s IF EXISTS public.%I CASCADE',
                  CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'r' THEN 'TABLE' END, relname)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'S') AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'i' AND relkind = 'S')
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('DROP DOMAIN IF EXISTS public.%I CASCADE', typname) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
    UNION ALL
    SELECT format('DROP STATISTICS IF EXISTS public.%I', stxname) FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace
  ) f;
  FOREACH command IN ARRAY coalesce(commands, '{}') LOOP
    EXECUTE command;
  END LOOP;
  ALTER ROLE admin RESET ALL;
  DELETE FROM pg_depend WHERE classid = 'pg_default_acl'::regclass;
  DELETE FROM pg_shdepend WHERE classid = 'pg_default_acl'::regclass;
  DELETE FROM pg_default_acl;
END $$
