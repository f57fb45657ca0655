-- What race_arms() noted: microseconds a line, and as many times net_price.
\echo
\echo 'microseconds of CPU a line, by number of rules'
SELECT what, bench.size(rules) AS rules, value FROM bench.figure LEFT JOIN bench.arm ON arm = what ORDER BY figure.rules, place \crosstabview what rules value
\echo
\echo 'times net_price'
SELECT f.what, bench.size(f.rules) AS rules, round(f.value / n.value, 2) AS times
  FROM bench.figure f JOIN bench.figure n USING (rules) LEFT JOIN bench.arm ON arm = f.what WHERE n.what = 'net_price' ORDER BY f.rules, place \crosstabview what rules times
\echo
\echo 'times net_price, each less the floor under it'
SELECT f.what, bench.size(f.rules) AS rules, round((f.value - CASE f.what WHEN 'quote' THEN q.value ELSE p.value END) / (n.value - p.value), 2) AS times
  FROM bench.figure f JOIN bench.figure n USING (rules) JOIN bench.figure p USING (rules) JOIN bench.figure q USING (rules) LEFT JOIN bench.arm ON arm = f.what
 WHERE (n.what, p.what, q.what) = ('net_price', 'floor', 'floor of quote') AND f.what NOT LIKE 'floor%' ORDER BY f.rules, place \crosstabview what rules times
