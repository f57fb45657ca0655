-- Loading a rule book of the realistic mix: COPY, INSERT ... SELECT, and DELETE
-- of it, through every check, by the wall clock. Leaves one for the benches that share its database.
-- psql variables: rules (1000000).
--
-- database: book

\if :{?rules} \else \set rules 1000000 \endif
\set QUIET on
SET client_min_messages = warning;
\ir lib/mixed.sql

CREATE TABLE bench.loading (place int GENERATED ALWAYS AS IDENTITY, what text, seconds numeric);
CALL bench.make_mixed(:rules);
CALL bench.mixed_policy(:rules);

-- COPY, which is kept
\copy bench.mixed_rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode) TO 'rule.copy'
\copy bench.mixed_scale (rule, from_value, to_value, value) TO 'scale.copy'
SELECT clock_timestamp() AS started \gset
\copy quotetier.rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode) FROM 'rule.copy'
\copy quotetier.scale (rule, from_value, to_value, value) FROM 'scale.copy'
INSERT INTO bench.loading (what, seconds) VALUES ('COPY', extract(epoch FROM clock_timestamp() - :'started'));
\! rm -f rule.copy scale.copy

-- INSERT ... SELECT of as many, for a policy of their own, and DELETE of these
INSERT INTO quotetier.policy (name, currency) VALUES ('again', 'USD');
INSERT INTO quotetier.step (policy, seq, name, pick) SELECT 'again', seq, name, pick FROM quotetier.step WHERE policy = 'default';
UPDATE bench.mixed_rule SET policy = 'again', id = -id;
UPDATE bench.mixed_scale SET rule = -rule;
SELECT clock_timestamp() AS started \gset
CALL bench.load_mixed();
INSERT INTO bench.loading (what, seconds) VALUES ('INSERT ... SELECT', extract(epoch FROM clock_timestamp() - :'started'));
SELECT clock_timestamp() AS started \gset
DELETE FROM quotetier.rule WHERE policy = 'again';
INSERT INTO bench.loading (what, seconds) VALUES ('DELETE', extract(epoch FROM clock_timestamp() - :'started'));
DELETE FROM quotetier.step WHERE policy = 'again';
DELETE FROM quotetier.policy WHERE name = 'again';
VACUUM ANALYZE quotetier.rule, quotetier.scale;

\echo
\echo 'a rule book in bulk, through every check, by the wall clock'
SELECT what, bench.size(:rules) AS rules, bench.size((SELECT count(*) FROM bench.mixed_scale)) AS brackets, round(seconds, 1) AS seconds,
       round(1e6 * seconds / :rules, 1) AS "us a rule", round(:rules / seconds) AS "rules a second" FROM bench.loading ORDER BY place;
INSERT INTO bench.figure SELECT 'book', what, :rules, round(1e6 * seconds / :rules, 1), 'us/rule' FROM bench.loading ORDER BY place;
