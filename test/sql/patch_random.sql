-- Rule books patched after random changes, against ones compiled anew: few here,
-- with a fixed seed; test/t/quote_random.pl has many.
CREATE DATABASE patch_random;
\c patch_random
\getenv inputdir PG_ABS_SRCDIR
\set fuzz :inputdir /fuzz/quote.sql
\set patch :inputdir /fuzz/patch.sql
\set ECHO errors
SET client_min_messages = warning;
CREATE EXTENSION quotetier CASCADE;
\i :fuzz
\i :patch
\set ECHO all
RESET client_min_messages;

CALL fuzz.patches(seed => 11, policies => 3);

\c contrib_regression
DROP DATABASE patch_random;
