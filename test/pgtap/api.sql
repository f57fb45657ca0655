-- The names users rely on. A change here is a change of the contract: it needs
-- a line in CHANGELOG.md and, once released, a way over in sql/updates.
BEGIN;
SELECT plan(3);

SELECT has_extension('quotetier');
SELECT is((SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'quotetier'),
          'quotetier', 'everything lives in the schema quotetier');
SELECT ok(NOT extrelocatable, 'and stays there') FROM pg_extension WHERE extname = 'quotetier';

SELECT * FROM finish();
ROLLBACK;
