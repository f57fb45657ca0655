# Rules and brackets loaded in bulk into tables that were analyzed while empty: the
# checks look brackets up by their index all the same, so that the cost of a bracket
# does not grow with those loaded before it.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use Session;
use Test::More;

my $admin = Session->new('dbname=postgres');
$admin->ask($_) foreach ('SET client_min_messages = warning', 'DROP DATABASE IF EXISTS rule_bulk', 'CREATE DATABASE rule_bulk');
my $owner = Session->new('dbname=rule_bulk');
$owner->ask($_) foreach (
	'SET client_min_messages = warning',
	'CREATE EXTENSION quotetier CASCADE',
	q{INSERT INTO quotetier.dimension (name, weight) VALUES ('sku', 1)},
	q{INSERT INTO quotetier.policy (name) VALUES ('bulk')},
	q{INSERT INTO quotetier.step (policy, seq, name) VALUES ('bulk', 1, 'discount')},
	'VACUUM ANALYZE quotetier.rule, quotetier.scale');

# the checks' plans are a session's own
my $loader = Session->new('dbname=rule_bulk');
$loader->ask($_) foreach (
	'BEGIN',
	q{INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode)
	  SELECT i, 'bulk', 'discount', jsonb_build_object('sku', i::text), 'percent_off', 'volume' FROM generate_series(1, 2000) i},
	q{INSERT INTO quotetier.scale (rule, from_value, to_value, value)
	  SELECT i, k, k + 1, 5 FROM generate_series(1, 2000) i, generate_series(1, 2) k});
is($loader->ask(q{SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = 'quotetier.scale'::regclass}), 0,
	'no bracket is read but by an index');
is($loader->ask('SELECT count(*) FROM quotetier.scale'), 4000, 'all are there');
like($loader->ask('INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (7, 1, 3, 1)'),
	qr/brackets of rule 7 overlap/, 'and what overlaps is refused');
$loader->ask('ROLLBACK');

$_->end foreach ($loader, $owner);
$admin->ask('DROP DATABASE rule_bulk');
$admin->end;
done_testing();
