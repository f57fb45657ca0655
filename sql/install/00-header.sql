-- quotetier: who a customer is and what that customer pays.
-- Made of the numbered files in sql/install, in their order.
\echo Use "CREATE EXTENSION quotetier CASCADE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;
