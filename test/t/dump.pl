# Dump and restore give the same configuration and the same quotes, whichever way
# it is done: with shipped rows edited and deleted, and with rules of one's own.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Temp qw(tempdir);
use Test::More;

$ENV{PGCLIENTENCODING} = 'UTF8';
$ENV{PGTZ} = 'UTC';
$ENV{PGOPTIONS} = '-c client_min_messages=warning';
my $dir = tempdir(CLEANUP => 1);

# Runs a program; dies with what it said unless it ends well.
sub run
{
	my ($command) = @_;
	my $said = qx{$command 2>&1};
	die "$command\n$said" if $? != 0;
	return $said;
}

sub psql
{
	my ($database, $script) = @_;
	my $file = "$dir/script.sql";
	open(my $out, '>', $file) or die $!;
	print $out $script;
	close($out);
	return run("psql -XqAt -v ON_ERROR_STOP=1 -d $database -f $file");
}

sub fresh
{
	my ($database, $extension) = @_;
	run("dropdb --if-exists $database");
	run("createdb -T template0 $database");
	psql($database, 'CREATE EXTENSION quotetier CASCADE;') if $extension;
}

# All configuration there is, row by row, and where the identities go on.
sub configuration
{
	my ($database) = @_;
	my @relations = split(/\n/, psql($database, q{
		SELECT c.relkind::text || ' ' || c.oid::regclass FROM pg_class c
		JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		WHERE e.extname = 'quotetier' AND c.relkind IN ('r', 'S') AND c.relname NOT IN ('stamp', 'change', 'dumped')
		ORDER BY c.relkind, c.relname}));
	my $all = '';
	foreach (@relations)
	{
		my ($kind, $name) = split(/ /, $_, 2);
		my $what = $kind eq 'S' ? "last_value, is_called" : "t::text";
		$all .= "$name\n" . psql($database, "SELECT $what FROM $name t ORDER BY 1;");
	}
	return $all;
}

my $quotes = q{
	SELECT tier, sku, qty, as_of, q.list_amount, q.net_price, q.net_amount, q.status, q.rules
	FROM unnest(ARRAY['gold', 'vip', '金牌']) tier, unnest(ARRAY['A', 'B']) sku, unnest(ARRAY[1, 10, 99]) qty,
		unnest(ARRAY['2024-01-01', '2024-07-01']::timestamptz[]) as_of,
		unnest((SELECT array_agg(name) FROM quotetier.policy)) policy,
		quotetier.quote(jsonb_build_object('tier', tier, 'sku', sku, 'list_price', 20), qty, as_of, policy) q
	ORDER BY policy, tier, sku, qty, as_of;};

# Enabled otherwise than ALWAYS
my $asleep = q{SELECT count(*) FROM pg_trigger WHERE tgfoid = 'quotetier.stamp_change()'::regprocedure AND tgenabled <> 'A';};

# What to dump
fresh('dump_source', 1);
psql('dump_source', q{
	INSERT INTO quotetier.dimension (name, weight) VALUES ('tier', 1), ('sku', 3), ('passing', 1);
	DELETE FROM quotetier.dimension WHERE name = 'passing';
	UPDATE quotetier.policy SET currency = 'CNY', zone = 'Asia/Shanghai', ending = '.95' WHERE name = 'default';
	DELETE FROM quotetier.step WHERE name = 'guard';
	UPDATE quotetier.step SET pick = 'chain', access = ARRAY['tier+sku', 'sku', ''] WHERE name = 'volume';
	INSERT INTO quotetier.scheme (name) VALUES ('loyalty'), ('忠诚');
	INSERT INTO quotetier.tier (scheme, name, rank, from_value, label_zh) VALUES
		('loyalty', 'gold', 3, 1000, '金牌'), ('loyalty', 'none', 1, '-Infinity', NULL), ('loyalty', 'silver', 2, 99.50, '银牌'),
		('忠诚', 'a', 1, 10, NULL), ('忠诚', 'b', 2, 5, NULL);
	DELETE FROM quotetier.scheme WHERE name = 'prospect';
	UPDATE quotetier.tier SET from_value = 70 WHERE scheme = 'abc' AND name = 'B';
	DELETE FROM quotetier.tier WHERE scheme = 'pyramid' AND name = 'suspect';
	CREATE FUNCTION public.scores(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql
		AS $$ SELECT 'c' || i, i * extract(month FROM as_of) * 10 FROM generate_series(1, 30) i $$;
	UPDATE quotetier.scheme SET scores = 'public.scores', validity = '1 month 2 days', max_drop = 1 WHERE name = 'loyalty';
	SELECT quotetier.assess('loyalty', t) FROM generate_series(timestamptz '2024-01-01', '2025-03-01', '1 month') t;
	UPDATE quotetier.tier SET from_value = 1500 WHERE scheme = 'loyalty' AND name = 'gold';
	SELECT quotetier.assess('loyalty', '2025-04-01');
	DELETE FROM quotetier.scorecard WHERE name = 'engagement';
	INSERT INTO quotetier.scorecard (name) VALUES ('own');
	INSERT INTO quotetier.metric (scorecard, name, scale, cuts) VALUES ('own', 'rank', 'percentile', '{1,2.50,3}'), ('own', 'table', 'bracket', NULL);
	INSERT INTO quotetier.metric_bracket VALUES ('own', 'table', '-Infinity', 1), ('own', 'table', 5, 90);
	INSERT INTO quotetier.class_scheme (name) VALUES ('行业');
	INSERT INTO quotetier.class_rule (scheme, scope, condition, priority, class, label_zh) VALUES
		('行业', '{"tier": {"not": ["gold"]}, "sku": "A"}', '$.orders > 3 && $."name" != "x"', 7, 'a', '甲'), ('行业', '{}', NULL, 0, 'b', NULL);
	UPDATE quotetier.class_rule SET condition = '$.orders >= 12' WHERE scheme = 'frequency' AND class = 'high';
	DELETE FROM quotetier.class_scheme WHERE name = 'lifecycle_gap';
	DELETE FROM quotetier.segment_map WHERE name = 'klaviyo_27';
	UPDATE quotetier.segment SET label_zh = '最佳客户' WHERE map = 'standard' AND rank = 1;
	DELETE FROM quotetier.segment WHERE map = 'rf_grid' AND rank = 2;
	INSERT INTO quotetier.segment_map (name, bins, note) VALUES ('mine', 3, 'own');
	INSERT INTO quotetier.segment (map, rank, name, r, cells) VALUES ('mine', 2, 'good', '[2,3]', NULL), ('mine', 1, 'best', NULL, '{333}');
	INSERT INTO quotetier.policy (name, round_increment) VALUES ('零售', 0.05);
	BEGIN;
	INSERT INTO quotetier.step (policy, seq, name, base, excludes, compete) VALUES
		('零售', 3, 'c', 'a', NULL, 'offer'), ('零售', 1, 'a', 'list', ARRAY['d'], NULL),
		('零售', 4, 'd', 'running', NULL, NULL), ('零售', 2, 'b', 'running', NULL, 'offer');
	COMMIT;
	INSERT INTO quotetier.rule (policy, step, scope, valid, adjust, value, note) VALUES
		('default', 'list', '{"sku": "A"}', '(,)', 'price', 20, NULL),
		('default', 'tier', '{"tier": ["gold", "金牌"]}', '[2024-02-01,2024-12-01)', 'percent_off', 10, 'from "note"' || chr(9) || '\\'),
		('零售', 'a', '{"sku": "B"}', '(,)', 'percent_off', 3.3333, NULL),
		('零售', 'b', '{"tier": "vip"}', '(,)', 'amount_off', 1.5, NULL),
		('零售', 'c', '{}', '(,)', 'percent_off', 5, NULL);
	DELETE FROM quotetier.rule WHERE scope = '{"sku": "B"}';
	WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode)
		VALUES ('default', 'volume', 'percent_off', 'volume') RETURNING id)
	INSERT INTO quotetier.scale (rule, from_value, to_value, value)
	SELECT id, f, t, v FROM r, (VALUES (10, 50, 5), (50, NULL, 8)) b(f, t, v);
});
my $configuration = configuration('dump_source');
my $prices = psql('dump_source', $quotes);
like($configuration, qr/Asia\/Shanghai/, 'there is something to dump');
like($prices, qr/^gold\|A\|10\|2024-07-01 00:00:00\+00\|200.00\|16.95\|169.50\|ok\|\{1,2,6\}/m, 'and something to quote');

# A table that users can fill, or a sequence, that no dump has would be lost.
is(psql('dump_source', q{
	SELECT c.oid::regclass FROM pg_class c
	JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	WHERE e.extname = 'quotetier' AND c.relkind IN ('r', 'p', 'S') AND c.oid <> ALL (e.extconfig)
		AND NOT EXISTS (SELECT FROM pg_depend r WHERE r.classid = 'pg_proc'::regclass
			AND r.objid = 'quotetier.dump_rows'::regproc AND r.refobjid = c.oid)
	ORDER BY c.relname;}),
	"quotetier.change\nquotetier.origin\nquotetier.stamp\n", 'only origins, stamps and changes stay out of dumps');

# The ways to restore it: a dump, and what to do with it
my @ways = (
	[ 'plain', 0, '--file=%', 'psql -X -v ON_ERROR_STOP=1 -d dump_target -f %' ],
	[ 'custom', 0, '-Fc --file=%', 'pg_restore --exit-on-error -d dump_target %' ],
	[ 'directory, two jobs', 0, '-Fd --file=%', 'pg_restore --exit-on-error -j2 -d dump_target %' ],
	[ 'one transaction', 0, '-Fc --file=%', 'pg_restore --single-transaction -d dump_target %' ],
	[ 'inserts', 0, '--inserts --file=%', 'psql -X -v ON_ERROR_STOP=1 -d dump_target -f %' ],
	[ 'data only', 1, '--data-only --file=%', 'psql -X -v ON_ERROR_STOP=1 -d dump_target -f %' ],
	[ 'data only, two jobs', 1, '-Fd --file=%', 'pg_restore --data-only --exit-on-error -j2 -d dump_target %' ],
	[ 'data only, triggers disabled', 1, '--data-only --disable-triggers --file=%', 'psql -X -v ON_ERROR_STOP=1 -d dump_target -f %' ],
	[ 'data only, triggers disabled, two jobs', 1, '-Fd --file=%', 'pg_restore --data-only --disable-triggers --exit-on-error -j2 -d dump_target %' ],
);
my $n = 0;
foreach (@ways)
{
	my ($way, $extension, $dump, $restore) = @$_;
	my $file = "$dir/dump" . $n++;
	s/%/$file/ foreach ($dump, $restore);

	run("pg_dump $dump dump_source");
	fresh('dump_target', $extension);
	my $said = eval { run($restore) } // $@;
	is($?, 0, "$way: restores") or diag($said);
	is(psql('dump_target', $asleep), "0\n", "$way: stamps are on");
	is(configuration('dump_target'), $configuration, "$way: the same configuration");
	is(psql('dump_target', $quotes), $prices, "$way: the same quotes");
}

# What a restore without triggers leaves behind is harmless, and can be tidied up.
is(psql('dump_target', q{
	SELECT count(*) > 0 FROM quotetier.dumped;
	SELECT quotetier.heal();
	SELECT count(*) FROM quotetier.dumped;}), "t\n1\n0\n", 'heal() tidies up');

# What was restored can be dumped again, and is the same.
run("pg_dump --data-only --file=$dir/again1 dump_source");
run("pg_dump --data-only --file=$dir/again2 dump_target");
is(run("grep -v restrict $dir/again2"), run("grep -v restrict $dir/again1"), 'a dump of the restored is the same');

# Where rules of one's own stand on a shipped policy, nothing is overwritten.
fresh('dump_target', 1);
psql('dump_target', q{INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('default', 'tier', 'percent_off', 1);});
my $before = configuration('dump_target');
my $said = qx{psql -X -1 -v ON_ERROR_STOP=1 -d dump_target -f $dir/again1 2>&1};
isnt($?, 0, 'a restore over own rules fails');
like($said, qr/step "tier" of policy "default" still has rules/, 'and says why');
is(configuration('dump_target'), $before, 'and changes nothing');

# Every shipped row deleted: none comes back.
fresh('dump_source', 1);
psql('dump_source', q{DELETE FROM quotetier.policy WHERE origin = 'shipped';});
run("pg_dump --file=$dir/none dump_source");
fresh('dump_target', 0);
run("psql -X -v ON_ERROR_STOP=1 -d dump_target -f $dir/none");
is(psql('dump_target', 'SELECT count(*) FROM quotetier.policy;'), "0\n", 'deleted shipped rows stay deleted');

# Changes made while stamps were off reach a session that had its book before.
fresh('dump_target', 1);
my $seen = psql('dump_target', q{
	SELECT net_price FROM quotetier.quote('{"list_price": 20}'::jsonb);
	ALTER TABLE quotetier.rule DISABLE TRIGGER ALL;
	INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('default', 'tier', 'percent_off', 10);
	ALTER TABLE quotetier.rule ENABLE TRIGGER ALL;
	SELECT quotetier.heal();
	SELECT net_price FROM quotetier.quote('{"list_price": 20}'::jsonb);
	SELECT quotetier.heal();
});
is($seen, "20.00\n2\n18.00\n0\n", 'heal() makes unstamped changes seen');

run("dropdb $_") foreach ('dump_source', 'dump_target');
done_testing();
