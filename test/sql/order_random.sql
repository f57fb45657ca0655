-- Random orders whose discount is shared over the lines, against plain SQL.
CREATE DATABASE order_random;
\c order_random
\getenv inputdir PG_ABS_SRCDIR
\set fuzz :inputdir /fuzz/order.sql
\set ECHO errors
SET client_min_messages = warning;
CREATE EXTENSION quotetier CASCADE;
\i :fuzz
\set ECHO all
RESET client_min_messages;

CALL fuzz.share_policies();
CALL fuzz.shares(seed => 7, orders => 2000);

\c contrib_regression
DROP DATABASE order_random;
