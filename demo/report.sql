-- What did we give away, and what would the policy have kept?
SET search_path = demo;

\C 'Every historical line, quoted again in one SELECT'
\timing on
SELECT count(*) AS lines, count(*) FILTER (WHERE status = 'ok') AS quoted, round(sum(list_amount), 2) AS list,
       round(sum(charged), 2) AS charged, sum(policy_amount) AS policy
FROM line_report;
\timing off

\C 'Discount given against the policy, by tier on the day of the order'
SELECT coalesce(tier, 'all') AS tier, count(*) AS lines, round(sum(list_amount)) AS list,
       round(sum(charged)) AS charged, round(100 * (1 - sum(charged) / sum(list_amount)), 1) AS "given %",
       round(sum(policy_amount)) AS policy, round(100 * (1 - sum(policy_amount) / sum(list_amount)), 1) AS "policy %",
       round(sum(kept)) AS "the policy keeps"
FROM line_report
GROUP BY ROLLUP (tier)
ORDER BY grouping(tier), (SELECT rank FROM quotetier.tier t WHERE t.scheme = 'loyalty' AND t.name = line_report.tier) DESC;

\C 'The same by the discount that was given, with the profit at the same quantities'
SELECT given, count(*) AS lines, round(sum(charged)) AS charged, round(sum(policy_amount)) AS policy,
       round(sum(kept)) AS "the policy keeps", round(sum(profit)) AS profit, round(sum(profit + kept)) AS "profit by policy"
FROM (SELECT *, CASE WHEN given_pct < 0.5 THEN 'none' WHEN given_pct < 15.5 THEN 'up to 15 %'
                     WHEN given_pct < 30.5 THEN 'up to 30 %' ELSE 'over 30 %' END AS given
      FROM line_report) l
GROUP BY given
ORDER BY min(given_pct);

-- One line that meets tier, promotion and scale at once, and how its price came about.
SELECT to_jsonb(f) - '{line_id,order_id,order_date,qty,charged,cost}'::text[] AS facts, f.qty, f.order_date,
       format('Why that price? %s of %s for %s, %s', f.qty, f.sku, f.customer, f.order_date) AS title
FROM line_facts f
WHERE f.tier <> 'basic' AND f.qty >= 5
ORDER BY NOT (f.category = 'Furniture' AND f.region IN ('Central', 'South')
              AND f.order_date >= '2016-11-01' AND f.order_date < '2016-12-27'), f.line_id
LIMIT 1 \gset

\C :title
SELECT seq, step, rule, verdict, reason, base, amount, running
FROM quotetier.explain_quote(:'facts'::jsonb, :qty, :'order_date'::timestamp AT TIME ZONE 'UTC', 'superstore')
ORDER BY seq;

\C
\echo 'For a BI tool, plain columns: views demo.customer_report and demo.line_report'
