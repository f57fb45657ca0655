-- ---------------------------------------------------------------------------
-- privileges: who may call what without being told
--
-- Tables are their owner's until granted. A quote function reads them as their
-- owner, so EXECUTE on it is the privilege that counts, and nobody has it yet.
-- ---------------------------------------------------------------------------

GRANT USAGE ON SCHEMA quotetier TO PUBLIC;

REVOKE EXECUTE ON FUNCTION quotetier.heal() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION quotetier.dump_rows() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION quotetier.restore_row(text, jsonb) FROM PUBLIC;

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
    quotetier.explain_order(record[], record, text, timestamptz, text)
FROM PUBLIC;

-- who may put this trigger on a table gets quotes from it
REVOKE EXECUTE ON FUNCTION quotetier.price_row() FROM PUBLIC;

-- our own tables' triggers are of use on these only; of all others only
-- track_change() is put on tables of users, by themselves
REVOKE EXECUTE ON FUNCTION
    quotetier.stamp_change(), quotetier.restore_rows(), quotetier.keep_version(),
    quotetier.check_segment_row(), quotetier.check_segment_map_bins(), quotetier.metric_check(),
    quotetier.scheme_check(), quotetier.tier_check(), quotetier.class_scheme_check(), quotetier.class_rule_check(),
    quotetier.dimension_check(), quotetier.policy_check(), quotetier.step_check(), quotetier.step_check_procedure(),
    quotetier.rule_check(), quotetier.scale_check(), quotetier.fx_check(), quotetier.uom_check()
FROM PUBLIC;
