CREATE SCHEMA shop;
CREATE TABLE "shop"."products" ("id" serial NOT NULL, "name" text NOT NULL, "price" numeric(10,2) NOT NULL DEFAULT 0, "created_at" timestamptz NOT NULL DEFAULT now(), PRIMARY KEY ("id") , UNIQUE ("name"), CONSTRAINT "cheap" CHECK (price < 10000));
COMMENT ON TABLE "shop"."products" IS E'All that is sold';
CREATE TABLE "shop"."sizes" ("value" text NOT NULL, "comment" text, PRIMARY KEY ("value") );
INSERT INTO "shop"."sizes"("value", "comment") VALUES (E'S', E'small'), (E'L', E'it\'s large');
alter table "shop"."products" add column "size" text
 null;
alter table "shop"."products"
  add constraint "products_size_fkey"
  foreign key ("size")
  references "shop"."sizes"
  ("value") on update restrict on delete restrict;
CREATE INDEX "products_price" on
  "shop"."products" using btree ("price");
CREATE OR REPLACE FUNCTION shop.search_products(search text)
 RETURNS SETOF shop.products
 LANGUAGE sql
 STABLE
AS $function$
    SELECT * FROM shop.products WHERE name ILIKE ('%' || search || '%')
$function$;
alter table "shop"."products" drop constraint "cheap";
alter table "shop"."products" add constraint "cheap" check (price <= 20000::numeric);
