CREATE TABLE "profile" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "gender" character varying NOT NULL, "photo" character varying, CONSTRAINT "PK_3dd8bfc97e4a77c70971591bdcb" PRIMARY KEY ("id"));
CREATE TYPE "public"."person_role_enum" AS ENUM('admin', 'editor', 'ghost');
CREATE TABLE "person" ("id" SERIAL NOT NULL, "firstName" character varying(50) NOT NULL, "age" smallint NOT NULL DEFAULT '0', "role" "public"."person_role_enum" NOT NULL DEFAULT 'ghost', "createdAt" TIMESTAMP NOT NULL DEFAULT now(), "profileId" uuid, CONSTRAINT "REL_9466682df91534dd95e4dbaa61" UNIQUE ("profileId"), CONSTRAINT "PK_5fdaf670315c4b7e70cce85daa3" PRIMARY KEY ("id"));
CREATE INDEX "IDX_97672ac88f789774dd47f7c8be" ON "person" ("firstName", "age") ;
CREATE UNIQUE INDEX "IDX_97672ac88f789774dd47f7c8bf" ON "person" ("firstName") WHERE "age" > 17;
ALTER TABLE "person" ADD CONSTRAINT "FK_9466682df91534dd95e4dbaa616" FOREIGN KEY ("profileId") REFERENCES "profile"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
COMMENT ON COLUMN "person"."age" IS 'in years';
INSERT INTO "person"("firstName", "age", "role", "createdAt", "profileId") VALUES ('Ada', DEFAULT, DEFAULT, '2024-01-02T03:04:05.000Z', DEFAULT), ('Bob', 30, 'admin', '2024-01-02T03:04:05.000Z', NULL) RETURNING "id";
