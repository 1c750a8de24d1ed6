CREATE TABLE IF NOT EXISTS "Tasks" ("id"   SERIAL , "title" VARCHAR(255) NOT NULL, "done" BOOLEAN DEFAULT false, "dueAt" TIMESTAMP WITH TIME ZONE, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, "UserId" INTEGER, PRIMARY KEY ("id"));
CREATE TABLE IF NOT EXISTS "Users" ("id"   SERIAL , "login" VARCHAR(255) UNIQUE, PRIMARY KEY ("id"));
ALTER TABLE "public"."Tasks" ADD FOREIGN KEY ("UserId") REFERENCES "Users" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE INDEX "tasks_due_at" ON "Tasks" ("dueAt");
INSERT INTO "Users" ("id","login") VALUES (DEFAULT,'ann') RETURNING "id","login";
INSERT INTO "Tasks" ("id","title","done","createdAt","updatedAt","UserId") VALUES (DEFAULT,'wash',false,'2024-05-05 10:11:12.130 +00:00','2024-05-05 10:11:12.130 +00:00',1) RETURNING "id";
