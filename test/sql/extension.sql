-- The extension as a whole, in a database of its own: it can be created, every
-- object says what it is, it can be dropped without a trace and created again.
CREATE DATABASE quotetier_extension;
\c quotetier_extension
SET client_min_messages = warning;

CREATE EXTENSION quotetier CASCADE;

CREATE TEMP VIEW member AS
SELECT classid, objid, (pg_identify_object(classid, objid, 0)).*
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'quotetier');

SELECT type, identity AS "without a comment"
FROM member
WHERE type IN ('table', 'view', 'function', 'aggregate', 'type', 'operator')
  AND obj_description(objid, classid::regclass::name) IS NULL
UNION ALL
SELECT 'column', identity || '.' || attname
FROM member JOIN pg_attribute ON attrelid = objid AND attnum > 0 AND NOT attisdropped
WHERE type IN ('table', 'view') AND col_description(objid, attnum) IS NULL
ORDER BY 1, 2;

SELECT type, identity AS "outside the schema"
FROM member
WHERE schema <> 'quotetier'
ORDER BY 1, 2;

-- nothing an ordinary user could change or replace
SELECT has_schema_privilege('public', 'quotetier', 'CREATE') AS public_can_create;
SELECT table_name, privilege_type
FROM information_schema.role_table_grants
WHERE table_schema = 'quotetier' AND grantee = 'PUBLIC' AND privilege_type <> 'SELECT'
ORDER BY 1, 2;
SELECT objid::regprocedure AS "trigger functions that all may use"
FROM member JOIN pg_proc ON pg_proc.oid = objid AND classid = 'pg_proc'::regclass
WHERE prorettype = 'trigger'::regtype AND has_function_privilege('public', objid, 'EXECUTE')
ORDER BY 1;

DROP EXTENSION quotetier;
SELECT count(*) AS left_behind
FROM pg_class WHERE relnamespace = to_regnamespace('quotetier');
CREATE EXTENSION quotetier;

\c contrib_regression
DROP DATABASE quotetier_extension;
