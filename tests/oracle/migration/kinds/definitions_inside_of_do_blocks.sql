-- Definitions that stand in DO because their statement has no IF NOT EXISTS.
DO $$ BEGIN
 CREATE TYPE "public"."mood" AS ENUM('sad', 'happy');
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
DO $$ BEGIN
 CREATE TYPE mood AS ENUM('other');
EXCEPTION WHEN duplicate_object THEN null; END $$;
DO $do$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_type t WHERE t.typname = 'amount') THEN
    CREATE DOMAIN amount AS numeric(10, 2) CHECK (VALUE >= 0);
  END IF;
END
$do$;
CREATE TABLE "owners" ("id" integer PRIMARY KEY, "mood" mood);
CREATE TABLE "pets" ("id" integer PRIMARY KEY, "owner" integer, "paid" amount);
INSERT INTO owners VALUES (1, 'sad');
INSERT INTO pets VALUES (1, 1, 2.50);
DO $$ BEGIN
 ALTER TABLE "pets" ADD CONSTRAINT "pets_owner_owners_id_fk" FOREIGN KEY ("owner") REFERENCES "public"."owners"("id")
  ON DELETE no action ON UPDATE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
DO $$ BEGIN
 ALTER TABLE "pets" ADD CONSTRAINT "pets_owner_owners_id_fk" FOREIGN KEY ("owner") REFERENCES "public"."owners"("id");
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
DO LANGUAGE plpgsql $$
begin
  alter table pets add column if not exists age int;
  alter table pets add constraint pets_age check (age > 0);
exception when duplicate_object or duplicate_column then
  raise notice 'there, or so: %', now();
end;
$$;
DO $$ BEGIN
 IF NOT EXISTS (SELECT FROM information_schema.table_constraints WHERE constraint_name = 'pets_owner_key') THEN
  ALTER TABLE pets ADD CONSTRAINT pets_owner_key UNIQUE (owner);
 END IF;
END $$;
INSERT INTO pets VALUES (2, NULL, 3, 7);
