-- Periods of whole days in a named zone, and the part of a period that another covers.
SET timezone = 'UTC';

-- a day has 23, 24 or 25 hours; half an hour more or less on Lord Howe
SELECT day, zone, upper(v) - lower(v) AS long, v
FROM (VALUES (date '2025-03-29', 'Europe/Berlin'), ('2025-03-30', 'Europe/Berlin'), ('2025-10-26', 'Europe/Berlin'),
             ('2025-03-30', 'Asia/Shanghai'), ('2025-04-06', 'Australia/Lord_Howe'), ('2025-10-05', 'Australia/Lord_Howe')) d(day, zone),
     LATERAL quotetier.valid_days(day, day, zone) v;

-- clocks that jump over midnight, go back over it, and a day that has another before it left out
SELECT day, zone, upper(v) - lower(v) AS long, v
FROM (VALUES (date '2018-11-04', 'America/Sao_Paulo'), ('2018-02-17', 'America/Sao_Paulo'),
             ('2024-11-03', 'America/Havana'), ('2011-12-31', 'Pacific/Apia'), ('2010-11-07', 'America/St_Johns')) d(day, zone),
     LATERAL quotetier.valid_days(day, day, zone) v;

-- what PostgreSQL says of the first instant and of the one before it, over ten years; a day ends where the next begins
SELECT count(*) AS days,
       count(*) FILTER (WHERE (lower(v) AT TIME ZONE zone)::date <> day) AS begins_elsewhere,
       count(*) FILTER (WHERE ((lower(v) - interval '1 microsecond') AT TIME ZONE zone)::date >= day) AS begins_late,
       count(*) FILTER (WHERE upper(v) <> lower(quotetier.valid_days(day + 1, NULL, zone))) AS ends_elsewhere
FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'Asia/Shanghai', 'America/New_York', 'America/Havana', 'America/Sao_Paulo', 'Asia/Tehran',
                  'Asia/Beirut', 'Africa/Cairo', 'Australia/Lord_Howe', 'Pacific/Chatham', 'America/Asuncion', 'Asia/Kathmandu',
                  'Etc/GMT-8', 'EST5EDT']) zone,
     (SELECT date '2015-01-01' + i AS day FROM generate_series(0, 3652) i) days, LATERAL quotetier.valid_days(day, day, zone) v;

-- no bounds
SELECT quotetier.valid_days(NULL, NULL, 'UTC') AS always, quotetier.valid_days('2025-01-01', NULL, 'Asia/Shanghai') AS from_then,
    quotetier.valid_days(NULL, '2025-12-31', 'Asia/Shanghai') AS until, quotetier.valid_days('-infinity', 'infinity', 'UTC') AS infinite,
    quotetier.valid_days('2025-01-01', NULL, NULL) AS unknown;
SELECT quotetier.valid_days('4713-01-01 BC', '294276-12-30', 'UTC');

-- it depends on its arguments only
SET timezone = 'America/Guayaquil';
SELECT lower(v) = timestamptz '2025-06-15 00:00+09' AND upper(v) = timestamptz '2025-06-18 00:00+09' AS same
FROM quotetier.valid_days('2025-06-15', '2025-06-17', 'Asia/Tokyo') v;
SET timezone = 'UTC';

-- refused
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN 'DONE: ' || statement || ': ' || result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, coalesce(nullif(detail, ''), 'NO DETAIL'),
                     coalesce(nullif(hint, ''), 'NO HINT'), '');
END $$;
\pset tuples_only on
\pset format unaligned
SELECT refused('SELECT quotetier.valid_days(' || arguments || ')') FROM (VALUES
    (1, $$'2025-06-17', '2025-06-15', 'UTC'$$),
    (2, $$'2025-06-15', '2025-06-17', 'Middle-earth/Shire'$$),
    (3, $$'2025-06-15', '2025-06-17', ''$$),
    (4, $$NULL, NULL, 'Nowhere'$$),
    (5, $$'2025-06-15', '2025-06-17', 'CST'$$),
    (6, $$'2025-06-15', '2025-06-17', 'UTC+8'$$),
    (7, $$'2025-06-15', '2025-06-17', 'utc-05:30'$$),
    (8, $$'2025-06-15', '2025-06-17', '+8'$$),
    (9, $$'2025-06-15', '2025-06-17', 'CST8'$$),
    (10, $$'infinity', NULL, 'UTC'$$),
    (11, $$NULL, '-infinity', 'UTC'$$),
    (12, $$'2011-12-30', '2011-12-30', 'Pacific/Apia'$$),
    (13, $$'2025-06-15', '294276-12-31', 'UTC'$$),
    (14, $$'4714-11-24 BC', NULL, 'Asia/Tokyo'$$)
) v(n, arguments) ORDER BY n;
SELECT refused('SELECT quotetier.proration(' || arguments || ')') FROM (VALUES
    (1, $$'(,)', 'empty'$$),
    (2, $$'(,)', '[2025-01-01,2025-01-01]'$$),
    (3, $$'(,)', '[2025-01-01,)'$$),
    (4, $$'(,)', '(,2025-01-01)'$$),
    (5, $$'empty', '[2025-01-01,infinity)'$$)
) v(n, arguments) ORDER BY n;
\pset tuples_only off
\pset format aligned

-- the part of a period: 21 of 31 days, all of it, none of it
SELECT valid, quotetier.proration(valid, '[2025-01-01,2025-02-01)')
FROM unnest(ARRAY['[2025-01-11,)', '(,)', '[2025-01-01,2025-02-01)', '[2024-01-01,2025-03-01)', '[2025-01-16 12:00,2025-03-01)',
                  '[2025-02-01,)', '(,2025-01-01]', 'empty', '[2025-01-05,2025-01-05]', '[2025-01-01,infinity)',
                  '[-infinity,2025-01-02)', '(2025-01-31 23:59:59.999999,)']::tstzrange[]) valid;
-- by elapsed time: March of 2025 is an hour short in Berlin
SELECT quotetier.proration(quotetier.valid_days('2025-03-01', '2025-03-30', 'Europe/Berlin'), march) AS thirty_days,
    round(719 / 743.0, 20) AS hours
FROM quotetier.valid_days('2025-03-01', '2025-03-31', 'Europe/Berlin') march;
-- against numeric; what differs would be printed, the seed stands in the statement
SELECT count(*) AS ranges, count(*) FILTER (WHERE quotetier.proration(valid, period) IS DISTINCT FROM round(part, 20)) AS differ,
    string_agg(format('%s of %s', valid, period), ', ') FILTER (WHERE quotetier.proration(valid, period) IS DISTINCT FROM round(part, 20)) AS which
FROM (SELECT setseed(0.20250617)) seed,
     LATERAL (SELECT tstzrange(f, f + (1 + random() * 3e8) * interval '1 second') AS period,
                     tstzrange(g, g + (1 + random() * 3e8) * interval '1 second') AS valid
              FROM generate_series(1, 2000) i,
                   LATERAL (SELECT timestamptz '2000-01-01' + i * random() * interval '10 minutes' AS f, timestamptz '2000-01-01' + i * random() * interval '1 hour' AS g) s) ranges,
     LATERAL (SELECT valid * period AS common) b,
     LATERAL (SELECT CASE WHEN isempty(common) THEN 0 ELSE extract(epoch FROM upper(common) - lower(common))::numeric(40, 30)
                     / extract(epoch FROM upper(period) - lower(period)) END AS part) p;
SELECT quotetier.proration('(,)', '[4713-01-02 BC,294276-12-30)') AS all_of_time,
    quotetier.proration('[2025-01-01,2026-01-01)', '[4713-01-01 BC,294276-12-30)') =
        round(365 / ((date '294276-12-30' - date '4713-01-01 BC')::numeric(60, 50)), 20) AS one_year_of_it;

-- both are what they are labelled as
SELECT proname, provolatile, proparallel, proisstrict FROM pg_proc
WHERE pronamespace = 'quotetier'::regnamespace AND proname IN ('valid_days', 'proration') ORDER BY proname;

-- W59: rule of 15 to 17 June in Guayaquil (UTC-5), order on the 17th at 20:30 there: it applies
CREATE FUNCTION price_at(moment timestamptz) RETURNS numeric LANGUAGE sql AS
    $$ SELECT quotetier.net_price('{"list_price": 100}'::jsonb, as_of => moment) $$;
CREATE FUNCTION only_rule(percent numeric, during tstzrange) RETURNS void LANGUAGE sql AS $$
    DELETE FROM quotetier.rule;
    INSERT INTO quotetier.rule (policy, step, adjust, value, valid) VALUES ('default', 'promotion', 'percent_off', percent, during) $$;
SELECT only_rule(10, quotetier.valid_days('2021-06-15', '2021-06-17', 'America/Guayaquil'));
SELECT price_at('2021-06-17 20:30-05') AS on_the_17th, price_at('2021-06-15 00:00-05') AS first, price_at('2021-06-17 23:59:59.999999-05') AS last,
    price_at('2021-06-14 23:59:59.999999-05') AS before, price_at('2021-06-18 00:00-05') AS after;

-- complaint 37: the same whatever zone the session, the server or the browser is in
SELECT only_rule(10, quotetier.valid_days('2024-01-01', '2024-01-31', 'Europe/Brussels'));
SET timezone = 'Asia/Tokyo';
SELECT price_at('2024-01-31 23:30+01') AS still, price_at('2024-02-01 00:00+01') AS no_longer;
SET timezone = 'America/Los_Angeles';
SELECT price_at('2024-01-31 23:30+01') AS still, price_at('2024-02-01 00:00+01') AS no_longer;
SET timezone = 'UTC';

-- complaint 38: a single day, given as first and last, applies all day
SELECT only_rule(10, quotetier.valid_days('2020-05-25', '2020-05-25', 'Europe/Brussels'));
SELECT price_at('2020-05-25 00:00+02') AS first, price_at('2020-05-25 12:00+02') AS noon, price_at('2020-05-25 23:59:59.999999+02') AS last,
    price_at('2020-05-26 00:00+02') AS next;

-- complaint 39: a successor from the next day on leaves no instant without a price, and none with two
SELECT only_rule(10, quotetier.valid_days('2022-01-01', '2022-08-31', 'Europe/Paris'));
INSERT INTO quotetier.rule (policy, step, adjust, value, valid)
VALUES ('default', 'promotion', 'percent_off', 20, quotetier.valid_days('2022-09-01', NULL, 'Europe/Paris'));
SELECT price_at('2022-08-31 23:59:59.999999+02') AS old, price_at('2022-09-01 00:00+02') AS new,
    (SELECT bool_or(a.valid -|- b.valid) FROM quotetier.rule a, quotetier.rule b) AS adjacent;

-- complaint 40: it neither begins a day early nor vanishes after midnight, in a zone west of Greenwich nor in one east of it
CREATE FUNCTION around(zone text) RETURNS numeric[] LANGUAGE sql AS $$
    SELECT ARRAY[price_at(begins - interval '1 microsecond'), price_at(begins), price_at(begins + interval '1 day'),
                 price_at(ends - interval '1 microsecond'), price_at(ends)]
    FROM (SELECT timestamp '2016-09-14' AT TIME ZONE zone, timestamp '2016-09-17' AT TIME ZONE zone) t(begins, ends) $$;
SELECT only_rule(10, quotetier.valid_days('2016-09-14', '2016-09-16', 'America/Los_Angeles'));
SELECT around('America/Los_Angeles');
SELECT only_rule(10, quotetier.valid_days('2016-09-14', '2016-09-16', 'Australia/Sydney'));
SELECT around('Australia/Sydney');

-- complaint 41: valid up to the 13th is over on the 15th, and on the 14th
SELECT only_rule(10, quotetier.valid_days(NULL, '2025-10-13', 'Asia/Kolkata'));
SELECT price_at('2025-10-13 23:59+05:30') AS on_the_13th, price_at('2025-10-14 00:00+05:30') AS on_the_14th, price_at('2025-10-15 09:00+05:30') AS on_the_15th;

DELETE FROM quotetier.rule;
DROP FUNCTION refused, around, price_at, only_rule;
