-- Random policies and lines, against a second implementation (test/oracle):
-- few here, with a fixed seed; test/t/quote_random.pl runs many.
CREATE DATABASE quote_random;
\c quote_random
\getenv inputdir PG_ABS_SRCDIR
\set oracle :inputdir /oracle/quote.sql
\set fuzz :inputdir /fuzz/quote.sql
\set ECHO errors
SET client_min_messages = warning;
CREATE EXTENSION quotetier CASCADE;
\i :oracle
\i :fuzz
\set ECHO all
RESET client_min_messages;

CALL fuzz.quotes(seed => 4, lines => 2000);
CALL fuzz.graduated(seed => 4, scales => 40);

\c contrib_regression
DROP DATABASE quote_random;
