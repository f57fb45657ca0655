-- Loading a rule book of the realistic mix, through every check: INSERT ... SELECT
-- and COPY, by the wall clock. Leaves it for the benches that share its database.
-- psql variables: rules (1000000).
--
-- database: book

\if :{?rules} \else \set rules 1000000 \endif
\set QUIET on
SET client_min_messages = warning;
\ir lib/mixed.sql

CALL bench.make_mixed(:rules);
CALL bench.mixed_policy(:rules);
CREATE TABLE bench.loading (what text, rules int, scales int, seconds numeric);

SELECT clock_timestamp() AS started \gset
CALL bench.load_mixed();
INSERT INTO bench.loading SELECT 'INSERT ... SELECT', :rules, count(*), extract(epoch FROM clock_timestamp() - :'started') FROM bench.mixed_scale;
TRUNCATE quotetier.rule CASCADE;

\copy bench.mixed_rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode) TO 'mixed_rule.copy'
\copy bench.mixed_scale (rule, from_value, to_value, value) TO 'mixed_scale.copy'
SELECT clock_timestamp() AS started \gset
\copy quotetier.rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode) FROM 'mixed_rule.copy'
\copy quotetier.scale (rule, from_value, to_value, value) FROM 'mixed_scale.copy'
INSERT INTO bench.loading SELECT 'COPY', :rules, count(*), extract(epoch FROM clock_timestamp() - :'started') FROM bench.mixed_scale;
\! rm -f mixed_rule.copy mixed_scale.copy

VACUUM ANALYZE quotetier.rule, quotetier.scale;

\echo
\echo 'loading, with every check, by the wall clock'
SELECT what, bench.size(rules) AS rules, bench.size(scales) AS brackets, round(seconds, 1) AS seconds, round(1e6 * seconds / rules, 1) AS "us a rule", round(rules / seconds) AS "rules a second" FROM bench.loading;
INSERT INTO bench.figure SELECT 'book', 'load, ' || what, rules, round(1e6 * seconds / rules, 1), 'us/rule' FROM bench.loading;
