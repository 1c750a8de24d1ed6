"""Values of PostgreSQL's types, those among them that files tend to change."""

from typing import Final

_VALUES = r"""
0::smallint; (-2147483648)::int; 9223372036854775807::bigint; 9007199254740993::bigint; 'NaN'::real
'-Infinity'::float8; 0.1::real; 1e-300::float8; '-0'::float8; 1.50::numeric(12,2); 'NaN'::numeric
12345678901234567890.000000000000000001::numeric; true; ''::text; '\.'::text; ' x '::text; 'a"b'; 'a,b'
E'a\r\nb'; E'a\rb'; 'é😀'; 'null'; '""'; 'x'::char(4); 'x'::varchar(3); 'a'::"char"; 'n'::name
'infinity'::date; '0044-03-15 BC'::date; '2024-02-29'::date; '24:00:00'::time
'2024-02-29 12:00:00.000001'::timestamp; '2024-02-29 12:00:00+02'::timestamptz; '1 day 2:03'::interval
'12:00+02'::timetz
'\x00ff'::bytea; ''::bytea
'00000000-0000-4000-8000-000000000001'::uuid; '{"a": [1, null]}'::json; '{"b": 1.0}'::jsonb; '"x"'::jsonb
ARRAY[1, NULL]; ARRAY['a b', '', NULL, '"']; '{}'::text[]; '192.168.0.0/16'::cidr
'08:00:2b:01:02:03'::macaddr; '[1,5)'::int4range; B'101'; 'a & b'::tsquery; '(1,2)'::point; 1::oid
'$.a'::jsonpath; NULL
"""

VALUES: Final = tuple(_VALUES.strip().replace("\n", "; ").split("; "))
"""Expressions, one value each."""
