-- ---------------------------------------------------------------------------
-- privileges: who may call what without being told
--
-- One rule. Tables are their owner's until granted; everybody may read what
-- things are called and which tables are tracked. A function that answers out of
-- other tables, or acts, with their owner's rights is nobody's until granted:
-- EXECUTE on it is the privilege that counts. All others are everybody's: they
-- reckon from their arguments, read with their caller's rights, or ask first
-- whose the tables are.
-- ---------------------------------------------------------------------------

GRANT USAGE ON SCHEMA quotetier TO PUBLIC;

GRANT SELECT ON quotetier.segment_map, quotetier.segment, quotetier.segment_cell, quotetier.labels, quotetier.tracked TO PUBLIC;

-- tiers, scores, classes
REVOKE EXECUTE ON FUNCTION
    quotetier.rfm_apply(text, quotetier.rfm, date),
    quotetier.tier(text, numeric),
    quotetier.tier(text, numeric, numeric),
    quotetier.tier_over(text, numeric),
    quotetier.tier_over(text, numeric, text),
    quotetier.scorecard_score(text, record),
    quotetier.scorecard_score(text, jsonb),
    quotetier.scorecard_score(text, text),
    quotetier.scorecard_points(text, record),
    quotetier.scorecard_points(text, jsonb),
    quotetier.scorecard_points(text, text),
    quotetier.classify(text, record, timestamptz),
    quotetier.classify(text, jsonb, timestamptz),
    quotetier.classify(text, text, timestamptz),
    quotetier.explain_class(text, record, timestamptz),
    quotetier.explain_class(text, jsonb, timestamptz),
    quotetier.explain_class(text, text, timestamptz)
FROM PUBLIC;

-- prices
REVOKE EXECUTE ON FUNCTION
    quotetier.quote(record, numeric, timestamptz, text),
    quotetier.quote(jsonb, numeric, timestamptz, text),
    quotetier.quote(text, numeric, timestamptz, text),
    quotetier.net_price(record, numeric, timestamptz, text),
    quotetier.net_price(jsonb, numeric, timestamptz, text),
    quotetier.net_price(text, numeric, timestamptz, text),
    quotetier.explain_quote(record, numeric, timestamptz, text, text),
    quotetier.explain_quote(jsonb, numeric, timestamptz, text, text),
    quotetier.explain_quote(text, numeric, timestamptz, text, text),
    quotetier.quote_order(jsonb, jsonb, text, timestamptz),
    quotetier.quote_order(text, text, text, timestamptz),
    quotetier.quote_order(record[], record, text, timestamptz),
    quotetier.explain_order(jsonb, jsonb, text, timestamptz, text),
    quotetier.explain_order(text, text, text, timestamptz, text),
    quotetier.explain_order(record[], record, text, timestamptz, text),
    quotetier.rule_book_stats(text)
FROM PUBLIC;

-- who may put this trigger on a table gets quotes from it
REVOKE EXECUTE ON FUNCTION quotetier.price_row() FROM PUBLIC;

-- parts of others, that act with an owner's rights; and the administrator's
REVOKE EXECUTE ON FUNCTION
    quotetier.first_change(text),
    quotetier.as_tracker(text, regclass, text),
    quotetier.dump_rows(),
    quotetier.restore_row(text, jsonb),
    quotetier.heal()
FROM PUBLIC;

-- our own tables' triggers are of use on these only; of all others only
-- track_change() is put on tables of users, by themselves
REVOKE EXECUTE ON FUNCTION
    quotetier.stamp_change(), quotetier.restore_rows(), quotetier.keep_version(),
    quotetier.check_segment_row(), quotetier.check_segment_map_bins(), quotetier.metric_check(),
    quotetier.scheme_check(), quotetier.tier_check(), quotetier.class_scheme_check(), quotetier.class_rule_check(),
    quotetier.dimension_check(), quotetier.policy_check(), quotetier.step_check(), quotetier.step_check_procedure(),
    quotetier.rule_check(), quotetier.scale_check(), quotetier.fx_check(), quotetier.uom_check()
FROM PUBLIC;
