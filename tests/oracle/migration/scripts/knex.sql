create table "users" ("id" serial primary key, "email" varchar(255) not null, "meta" jsonb, "created_at" timestamptz not null default CURRENT_TIMESTAMP, "updated_at" timestamptz not null default CURRENT_TIMESTAMP);
alter table "users" add constraint "users_email_unique" unique ("email");
create table "sessions" ("sid" varchar(255), "user_id" integer, "kind" text check ("kind" in ('web', 'app')) not null default 'web', "expires" bigint);
alter table "sessions" add constraint "sessions_pkey" primary key ("sid");
alter table "sessions" add constraint "sessions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete CASCADE;
create index "sessions_expires_index" on "sessions" ("expires");
insert into "users" ("created_at", "email", "meta", "updated_at") values (DEFAULT, 'a@example.org', '{"k":[1,2]}', DEFAULT), ('2024-02-02T00:00:00Z', 'b@example.org', NULL, DEFAULT);
delete from "users" where "created_at" > '2024-03-01';
