create table t (a text, b bytea); insert into t values ('it''s' -- x 'quoted'
'--b', 'abc'); -- end
create view v as select 'x' -- a
 -- b
 'y' as q; -- c
create function f() returns text language sql as $$ select 'a' -- c
 'b' $$;
comment on table t is 'one ' -- 1
'two';
