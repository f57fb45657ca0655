-- hash(): numbers that look random and are the same in every run and order.
CREATE OR REPLACE FUNCTION bench.hash(n bigint, salt int, range int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (pg_catalog.hashint8extended(n, salt) & 2147483647)::int % range $$;
