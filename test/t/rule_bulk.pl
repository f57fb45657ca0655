# Rules and brackets loaded in bulk into tables that were analyzed while empty: the
# checks look brackets up by their index all the same, so that the cost of a bracket
# does not grow with those loaded before it.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use Test::More;

sub psql
{
	my ($database, $sql) = @_;
	my $said = qx{psql -XAtq -v ON_ERROR_STOP=1 -d $database -c '$sql' 2>&1};
	die "$sql\n$said" if $? != 0;
	chomp($said);
	return $said;
}

psql('postgres', 'DROP DATABASE IF EXISTS rule_bulk');
psql('postgres', 'CREATE DATABASE rule_bulk');
psql('rule_bulk', q{SET client_min_messages = warning; CREATE EXTENSION quotetier CASCADE;
	INSERT INTO quotetier.dimension (name, weight) VALUES ($$sku$$, 1);
	INSERT INTO quotetier.policy (name) VALUES ($$bulk$$);
	INSERT INTO quotetier.step (policy, seq, name) VALUES ($$bulk$$, 1, $$discount$$)});
psql('rule_bulk', "VACUUM ANALYZE quotetier.$_") foreach ('rule', 'scale');

my $read = psql('rule_bulk', q{BEGIN;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode)
	SELECT i, $$bulk$$, $$discount$$, jsonb_build_object($$sku$$, i::text), $$percent_off$$, $$volume$$ FROM generate_series(1, 2000) i;
	INSERT INTO quotetier.scale (rule, from_value, to_value, value)
	SELECT i, k, k + 1, 5 FROM generate_series(1, 2000) i, generate_series(1, 2) k;
	SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = $$quotetier.scale$$::regclass;
	COMMIT});
is($read, 0, 'no bracket is read but by an index');
like(qx{psql -XAtq -d rule_bulk -c "INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (7, 1, 3, 1)" 2>&1},
	qr/brackets of rule 7 overlap/, 'and what overlaps is refused');
psql('postgres', 'DROP DATABASE rule_bulk');
done_testing();
