DO $$ BEGIN
 CREATE TYPE "state" AS ENUM('new', 'done');
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "jobs" (
	"id" serial PRIMARY KEY NOT NULL,
	"state" "state" DEFAULT 'new'
);
