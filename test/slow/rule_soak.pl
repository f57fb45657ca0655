# Sessions that change prices and quote, at random, on a primary and its hot
# standby: every isolation level, savepoints, cursors, prepared transactions, bulk
# changes, TRUNCATE, changed tables, disabled triggers, fresh connections. Every look
# prices some 450 lines twice, by quote() and by a SELECT in the same statement; one
# line that differs ends the run and is shown.
#
# Policy a is small and uses every table a quote is made of. Policy b has 12,000
# rules, so that it is shared between sessions and changed in place; its looks
# take the 100 products whose rules change most and 100 at random.
#
# Runs for QUOTETIER_SOAK seconds (60), with servers of its own. QUOTETIER_SEED
# repeats a seed, QUOTETIER_CONF adds a line to postgresql.conf.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{QUOTETIER_SOAK} || 60;
my $seed = $ENV{QUOTETIER_SEED} || int(rand(1 << 30));
my $dir = PostgreSQL::Test::Utils::tempdir;

sub file
{
	my ($name, $text) = @_;
	append_to_file("$dir/$name", $text);
	return "$dir/$name";
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', qq{
max_prepared_transactions = 20
deadlock_timeout = 20ms
shared_buffers = 128MB
max_wal_size = 2GB
log_statement = none
client_min_messages = warning
log_min_messages = fatal
log_min_error_statement = fatal
} . ($ENV{QUOTETIER_CONF} // '') . "\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION quotetier CASCADE;
	INSERT INTO quotetier.dimension (name, weight) VALUES ('sku', 2), ('tier', 1), ('region', 1);
	INSERT INTO quotetier.policy (name, currency, round_increment) SELECT unnest('{a,b,c}'::text[]), 'EUR', 0.01;
	INSERT INTO quotetier.step (policy, seq, name, pick)
	SELECT p, seq, name, pick FROM unnest('{a,b,c}'::text[]) p, (VALUES (10, 'list', 'first'), (20, 'tier', 'best'), (30, 'volume', 'best'), (40, 'coupon', 'best')) s (seq, name, pick);

	-- what belongs to a and the rest; and what is there again after TRUNCATE
	CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
		INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
		SELECT i, 'a', 'list', jsonb_build_object('sku', 'S' || i), 'price', 40 * i FROM generate_series(1, 3) i
		UNION ALL SELECT 10, 'a', 'list', '{"region": "CN"}', 'price', 80
		UNION ALL SELECT 10 + i, 'a', 'tier', jsonb_build_object('tier', 'T' || i), 'percent_off', 10 * i FROM generate_series(1, 2) i
		UNION ALL SELECT 20, 'a', 'coupon', '{"region": "US"}', 'amount_off', 4
		UNION ALL SELECT 1000 + i, 'b', 'list', jsonb_build_object('sku', 'S' || i), 'price', i % 1000 + 1 FROM generate_series(1, 10000) i
		UNION ALL SELECT 11000 + i, 'b', 'list', jsonb_build_object('sku', 'S' || i * 5, 'tier', 'T1'), 'price', i % 500 + 1 FROM generate_series(1, 1950) i
		UNION ALL SELECT 13000 + i, 'b', 'tier', jsonb_build_object('tier', jsonb_build_array('T' || i, 'T' || i + 1)), 'percent_off', i FROM generate_series(1, 10) i
		ON CONFLICT (id) DO NOTHING;
		INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode)
		SELECT 30, 'a', 'volume', '{"tier": "T2"}'::jsonb, 'percent_off', 'volume'
		UNION ALL SELECT 14000 + i, 'b', 'volume', jsonb_build_object('sku', 'S' || i), 'percent_off', 'volume' FROM generate_series(1, 20) i
		ON CONFLICT (id) DO NOTHING;
		INSERT INTO quotetier.scale (rule, from_value, to_value, value)
		SELECT id, f, f + 10, f + id % 7 FROM quotetier.rule, unnest(ARRAY[0, 10, 20]) f WHERE (id = 30 OR id BETWEEN 14000 AND 14020) AND NOT EXISTS (SELECT FROM quotetier.scale WHERE rule = id);
	$$;
	SELECT fill();
	INSERT INTO quotetier.fx_rate (from_currency, to_currency, rate, valid) VALUES ('EUR', 'USD', 1.25, '(,2025-06-01)'), ('EUR', 'USD', 1.5, '[2025-06-01,)');
	INSERT INTO quotetier.uom (sku, uom, factor) VALUES (NULL, 'box', 12), ('S1', 'box', 10);
	CREATE INDEX rule_sku ON quotetier.rule (policy, step, (scope ->> 'sku'));
	ANALYZE quotetier.rule, quotetier.scale;

	CREATE TABLE line_a AS SELECT row_number() OVER () AS id, 'S' || s AS sku, 'T' || t AS tier, region, (s * 7 + t) % 15 + 1 AS qty, currency, uom,
		CASE s % 2 WHEN 0 THEN timestamptz '2025-05-31 12:00Z' ELSE '2025-06-01 12:00Z' END AS as_of
	FROM generate_series(1, 4) s, generate_series(1, 2) t, unnest('{CN.East,US}'::text[]) region, unnest('{EUR,USD}'::text[]) currency, unnest('{box,NULL}'::text[]) uom;

	CREATE VIEW compared_a AS
	WITH candidate AS MATERIALIZED (
		SELECT r.step, r.adjust, coalesce(r.value, b.value) AS value, coalesce(b.from_value, 0) AS from_value, b.to_value, r.valid, s.seq, c.seq AS coupon_seq,
			r.scope -> 'sku' AS sku, r.scope -> 'tier' AS tier, r.scope ->> 'region' AS region,
			(SELECT kind = 'path' FROM quotetier.dimension WHERE name = 'region') AS deep,
			CASE s.pick WHEN 'first' THEN (SELECT sum(d.weight) FROM quotetier.dimension d WHERE r.scope ? d.name) END AS weight
		FROM quotetier.rule r JOIN quotetier.step s ON s.policy = r.policy AND s.name = r.step
		JOIN quotetier.step c ON c.policy = r.policy AND c.name = 'coupon' LEFT JOIN quotetier.scale b ON b.rule = r.id
		WHERE r.policy = 'a')
	SELECT l.id, p.name AS policy, l.sku, l.tier, l.qty, q.net_amount AS quoted,
		CASE p.round_mode WHEN 'floor' THEN floor(s.amount / p.round_increment) ELSE round(s.amount / p.round_increment) END * p.round_increment AS selected
	FROM quotetier.policy p CROSS JOIN line_a l
	CROSS JOIN LATERAL quotetier.quote(l, l.qty, l.as_of, p.name) q
	LEFT JOIN (SELECT from_currency, to_currency, rate, valid FROM quotetier.fx_rate) x ON x.from_currency = p.currency AND x.to_currency = l.currency AND x.valid @> l.as_of
	LEFT JOIN quotetier.uom own ON own.uom = l.uom AND own.sku = l.sku
	LEFT JOIN quotetier.uom common ON common.uom = l.uom AND common.sku IS NULL
	CROSS JOIN LATERAL (SELECT l.qty * coalesce(own.factor, common.factor, 1) AS quantity, CASE l.currency WHEN p.currency THEN 1 ELSE x.rate END AS rate) u
	CROSS JOIN LATERAL (
		SELECT u.quantity * u.rate * (
			(array_agg(value ORDER BY weight DESC, value) FILTER (WHERE adjust = 'price'))[1]
				* (1 - coalesce(max(value) FILTER (WHERE step = 'tier'), 0) / 100) * (1 - coalesce(max(value) FILTER (WHERE step = 'volume'), 0) / 100)
			- coalesce(max(value) FILTER (WHERE adjust = 'amount_off'), 0)
				* (1 - coalesce(max(value) FILTER (WHERE step = 'tier' AND seq > coupon_seq), 0) / 100)
				* (1 - coalesce(max(value) FILTER (WHERE step = 'volume' AND seq > coupon_seq), 0) / 100)) AS amount
		FROM candidate c
		WHERE valid @> l.as_of AND coalesce(c.sku ? l.sku, true) AND coalesce(c.tier ? l.tier, true)
			AND (c.region IS NULL OR c.region = l.region OR deep AND l.region LIKE c.region || '.%')
			AND from_value <= u.quantity AND (to_value IS NULL OR u.quantity < to_value)) s
	WHERE p.name = 'a';

	CREATE VIEW compared_b AS
	WITH line AS MATERIALIZED (
		SELECT i, 'S' || CASE WHEN i <= 200 THEN (i + 1) / 2 ELSE 1 + floor(random() * 10400)::int END AS sku, 'T' || CASE WHEN i % 2 = 0 THEN 1 ELSE i % 13 END AS tier,
			1 + i % 33 AS qty, CASE i % 3 WHEN 0 THEN timestamptz '2025-01-01' ELSE '2025-12-31' END AS as_of FROM generate_series(1, 400) i),
	few AS MATERIALIZED (
		SELECT r.step, r.valid, coalesce(b.value, r.value) AS value, coalesce(b.from_value, 0) AS from_value, b.to_value, coalesce(r.scope ->> 'sku', t.value, r.scope ->> 'tier') AS key
		FROM quotetier.rule r LEFT JOIN quotetier.scale b ON b.rule = r.id
		LEFT JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(r.scope -> 'tier') WHEN 'array' THEN r.scope -> 'tier' END) t ON true
		WHERE r.policy = 'b' AND r.step IN ('tier', 'volume')),
	percent AS (
		SELECT l.i, max(few.value) FILTER (WHERE step = 'tier') AS tier, max(few.value) FILTER (WHERE step = 'volume') AS volume
		FROM (SELECT i, qty, as_of, unnest(ARRAY[sku, tier]) AS key FROM line) l JOIN few USING (key)
		WHERE few.valid @> l.as_of AND few.from_value <= l.qty AND (few.to_value IS NULL OR l.qty < few.to_value)
		GROUP BY l.i)
	SELECT l.i AS id, 'b' AS policy, l.sku, l.tier, l.qty, q.net_amount AS quoted,
		round(list.value * l.qty * (1 - coalesce(o.tier, 0) / 100) * (1 - coalesce(o.volume, 0) / 100), 2) AS selected
	FROM line l CROSS JOIN LATERAL quotetier.quote(l, l.qty, l.as_of, 'b') q
	LEFT JOIN LATERAL (
		SELECT r.value FROM quotetier.rule r
		WHERE r.policy = 'b' AND r.step = 'list' AND r.scope ->> 'sku' = l.sku AND r.valid @> l.as_of AND coalesce(r.scope -> 'tier' ? l.tier, true)
		ORDER BY r.scope ? 'tier' DESC, r.priority DESC, r.value LIMIT 1) list ON true
	LEFT JOIN percent o USING (i);

	CREATE FUNCTION differ(lines text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'different: %', lines; END $$;
	CREATE VIEW look AS
	SELECT CASE WHEN count(*) FILTER (WHERE quoted IS DISTINCT FROM selected) = 0 THEN count(*)
		ELSE differ(string_agg(format('%s %s %s x %s: quoted %s, selected %s', policy, sku, tier, qty, quoted, selected), '; ') FILTER (WHERE quoted IS DISTINCT FROM selected)) END AS compared
	FROM (SELECT * FROM compared_a UNION ALL SELECT * FROM compared_b) c;
	-- counts itself, though its transaction may be rolled back; not on a standby
	CREATE SEQUENCE looks;
	CREATE VIEW counted AS SELECT compared, nextval('looks') FROM look;

	-- One change of one kind; k is a product, v a number. What another session's change makes impossible is left.
	CREATE FUNCTION change(kind int, k int, v int) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF kind <= 30 THEN
			UPDATE quotetier.rule SET value = v + 1 WHERE id = 1000 + k;
		ELSIF kind <= 36 THEN
			DELETE FROM quotetier.rule WHERE id = 1000 + k;
		ELSIF kind <= 46 THEN
			INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (1000 + k, 'b', 'list', jsonb_build_object('sku', 'S' || k), 'price', v + 1)
			ON CONFLICT (id) DO UPDATE SET value = excluded.value, scope = excluded.scope, policy = 'b';
		ELSIF kind <= 52 THEN
			INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, priority)
			VALUES (20000 + k + v % 2 * 500, 'b', 'list', jsonb_build_object('sku', 'S' || k, 'tier', jsonb_build_array('T' || v % 5, 'T' || 5 + v % 3)), 'price', v + 2, v % 3)
			ON CONFLICT (id) DO NOTHING;
		ELSIF kind <= 56 THEN
			DELETE FROM quotetier.rule WHERE id BETWEEN 20000 + k AND 20000 + k + v % 5;
		ELSIF kind <= 60 THEN
			UPDATE quotetier.rule SET scope = jsonb_build_object('sku', 'S' || v % 100 + 1) WHERE id IN (1000 + k, 20000 + k);
		ELSIF kind <= 63 THEN
			UPDATE quotetier.rule SET scope = scope || jsonb_build_object('tier', 'T' || v % 4) WHERE id = 1000 + k;
		ELSIF kind <= 66 THEN
			UPDATE quotetier.rule SET scope = scope - 'tier' WHERE id IN (1000 + k, 20000 + k);
		ELSIF kind <= 69 THEN
			UPDATE quotetier.rule SET valid = CASE v % 3 WHEN 0 THEN '(,)' WHEN 1 THEN '(,2025-07-01)' ELSE '[2025-07-01,)' END::tstzrange WHERE id IN (1000 + k, 13000 + v % 12);
		ELSIF kind <= 72 THEN
			UPDATE quotetier.rule SET policy = CASE policy WHEN 'b' THEN 'c' ELSE 'b' END WHERE id IN (1000 + k, 13000 + v % 30);
		ELSIF kind <= 74 THEN
			UPDATE quotetier.rule SET step = CASE step WHEN 'tier' THEN 'volume' ELSE 'tier' END WHERE id = 13001 + v % 10;
		ELSIF kind <= 76 THEN
			UPDATE quotetier.rule SET value = v % 40, scope = jsonb_build_object('tier', 'T' || v % 13) WHERE id = 13001 + k % 10;
		ELSIF kind <= 79 THEN
			-- to a snapshot from before the rules' table was rewritten, there are brackets but no rules
			BEGIN
				UPDATE quotetier.scale SET value = v % 50 WHERE rule = 14000 + k % 20 AND from_value = v % 3 * 10;
			EXCEPTION WHEN foreign_key_violation THEN
				NULL;
			END;
		ELSIF kind <= 80 THEN
			DELETE FROM quotetier.scale WHERE rule IN (30, 14000 + k % 20) AND from_value = v % 3 * 10;
		ELSIF kind <= 81 THEN
			DELETE FROM quotetier.rule WHERE id IN (14000 + k % 20, 13001 + v % 10);
		ELSIF kind <= 84 THEN
			MERGE INTO quotetier.rule r USING (VALUES (k, v), (k + 1, v + 1), (k + 2, v)) n (k, v) ON r.id = 1000 + n.k
			WHEN MATCHED AND n.v % 4 = 0 THEN DELETE
			WHEN MATCHED THEN UPDATE SET value = n.v + 1;
		ELSIF kind <= 86 THEN
			UPDATE quotetier.rule SET value = value + 1 WHERE policy = 'b' AND step = 'list' AND id BETWEEN 3000 + v * 2 AND 5200 + v * 2;
		ELSIF kind <= 87 THEN
			DELETE FROM quotetier.rule WHERE id BETWEEN 1000 + v AND 1000 + v + k * 10;
		ELSIF kind <= 88 THEN
			BEGIN
				PERFORM fill();
			EXCEPTION WHEN exclusion_violation THEN
				NULL;
			END;
		ELSIF kind <= 89 THEN
			UPDATE quotetier.fx_rate SET rate = CASE v % 3 WHEN 0 THEN 1.25 WHEN 1 THEN 2 ELSE 0.5 END WHERE valid @> timestamptz '2025-06-01' OR v % 5 = 0;
		ELSIF kind <= 90 THEN
			UPDATE quotetier.uom SET factor = 1 + v % 12 WHERE v % 2 = 0 OR sku IS NULL;
		ELSIF kind <= 91 THEN
			UPDATE quotetier.policy SET round_increment = CASE v % 3 WHEN 0 THEN 0.01 WHEN 1 THEN 0.5 ELSE 0.05 END, round_mode = CASE v % 2 WHEN 0 THEN 'half_up' ELSE 'floor' END WHERE name = 'a';
		ELSIF kind <= 92 THEN
			UPDATE quotetier.dimension SET weight = 1 + v % 2 * 2 WHERE name = 'region';
		ELSIF kind <= 93 THEN
			UPDATE quotetier.dimension SET kind = CASE v % 2 WHEN 0 THEN 'path' ELSE 'label' END WHERE name = 'region';
		ELSIF kind <= 94 THEN
			UPDATE quotetier.step SET seq = CASE v % 2 WHEN 0 THEN 15 ELSE 40 END WHERE policy = 'a' AND name = 'coupon';
		ELSIF kind <= 95 THEN
			UPDATE quotetier.step SET pick = CASE v % 2 WHEN 0 THEN 'first' ELSE 'best' END WHERE policy = 'a' AND name = 'list';
		ELSIF kind <= 97 THEN
			UPDATE quotetier.rule SET value = CASE WHEN adjust = 'percent_off' THEN v % 60 ELSE 4 * (10 + v % 30) END WHERE policy = 'a' AND step <> 'coupon' AND id = (ARRAY[1, 2, 3, 10, 11, 12])[1 + v % 6];
		ELSE
			BEGIN
				CASE v % 4
				WHEN 0 THEN
					UPDATE quotetier.rule SET id = CASE WHEN id < 30000 THEN id + 30000 ELSE id - 30000 END WHERE id IN (1000 + k, 31000 + k);
				WHEN 1 THEN
					UPDATE quotetier.rule SET id = CASE WHEN id < 30000 THEN id + 30000 ELSE id - 30000 END WHERE id IN (14000 + k % 20, 44000 + k % 20);
				WHEN 2 THEN
					INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (14000 + k % 20, v % 3 * 10, v % 3 * 10 + 10, k % 50);
				ELSE
					UPDATE quotetier.scale SET from_value = from_value + 5 WHERE rule = 14000 + k % 20 AND from_value = 20;
				END CASE;
			EXCEPTION WHEN unique_violation OR exclusion_violation OR foreign_key_violation OR check_violation OR undefined_object THEN
				NULL;
			END;
		END IF;
	END $$;
});
$primary->safe_psql('postgres', 'SELECT * FROM counted');

my $change = q{
\set kind random(1, 100)
\set k random(1, 100)
\set v random(0, 998)
SELECT change(:kind, :k, :v);
};
my $begin = q{
\set level random(1, 3)
\if :level = 1
BEGIN;
\elif :level = 2
BEGIN ISOLATION LEVEL REPEATABLE READ;
\else
BEGIN ISOLATION LEVEL SERIALIZABLE;
\endif
};
# A look between PREPARE and COMMIT PREPARED could wait for one who waits for what is prepared.
my $look = "SELECT * FROM counted;\n";
my $declare = "DECLARE c CURSOR FOR SELECT counted.* FROM generate_series(1, 3), LATERAL (SELECT * FROM counted OFFSET 0) counted;\nFETCH 1 FROM c;\n";
my $writer = file('writer.sql', "$look$begin$look$change$look"
	  . "\\set path random(1, 6)\n\\if :path = 1\nSAVEPOINT s;\n$change${look}ROLLBACK TO s;\n$look$change"
	  . "\\elif :path = 2\n$declare$change${look}FETCH 1 FROM c;\n$look" . "FETCH 1 FROM c;\n"
	  . "\\elif :path = 3\nSAVEPOINT s;\n$change" . "RELEASE s;\n$look" . "SAVEPOINT s;\n$change" . "ROLLBACK TO s;\n$change$look"
	  . "\\endif\n\\if :path = 4\nROLLBACK;\n\\elif :path = 5\nPREPARE TRANSACTION 'p:job:client_id';\n\\sleep 3 ms\n"
	  . "\\if :k < 60\nCOMMIT PREPARED 'p:job:client_id';\n\\else\nROLLBACK PREPARED 'p:job:client_id';\n\\endif\n\\else\nCOMMIT;\n\\endif\n$look");
my $quick = file('quick.sql', "$change$look" x 3);
my $reader = file('reader.sql', "$look$begin" . "SELECT quotetier.net_price('{\"sku\": \"S7\"}', 1, '2025-01-01', 'b');\n$look$declare$look\\sleep 5 ms\n$look" . "FETCH 1 FROM c;\n${look}COMMIT;\n$look");
my $truncater = file('truncater.sql', "$begin" . "TRUNCATE quotetier.rule CASCADE;\n$look" . "SELECT fill();\n${look}COMMIT;\n\\sleep 500 ms\n");
# what leaves no stamp, and what old snapshots see at once
my $ddl = file('ddl.sql', q{
\set way random(1, 4)
\if :way = 1
VACUUM FULL quotetier.rule;
\elif :way = 2
ALTER TABLE quotetier.rule ADD filler float8 DEFAULT random();
ALTER TABLE quotetier.rule DROP filler;
\else
BEGIN;
ALTER TABLE quotetier.rule DISABLE TRIGGER stamp_row;
} . "$change$look" . q{ALTER TABLE quotetier.rule ENABLE ALWAYS TRIGGER stamp_row;
COMMIT;
\endif
} . "$look\\sleep 1000 ms\n");
my $fresh = file('fresh.sql', "$look$look");
# a standby has no SERIALIZABLE, and cannot count
my $there = file('there.sql', "SELECT * FROM look;\n\\set level random(1, 2)\n\\if :level = 1\nBEGIN;\n\\else\nBEGIN ISOLATION LEVEL REPEATABLE READ;\n\\endif\n"
	  . "SELECT * FROM look;\nDECLARE c CURSOR FOR SELECT look.* FROM generate_series(1, 3), LATERAL (SELECT * FROM look OFFSET 0) look;\nFETCH 1 FROM c;\nSELECT * FROM look;\n\\sleep 5 ms\nFETCH 1 FROM c;\nSELECT * FROM look;\nCOMMIT;\nSELECT * FROM look;\n");

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;

my @running;
sub pgbench
{
	my ($node, $name, @options) = @_;
	my ($out, $url) = ('', $node->connstr('postgres'));
	push(@running, { name => $name, out => \$out, run => IPC::Run::start([ 'pgbench', '-n', '-T', $seconds, "--random-seed=$seed", '--max-tries=0', '-D', 'job=' . @running, @options, $url ], '<' => \undef, '>' => \$out, '2>&1') });
	return;
}
pgbench($primary, 'writers', '-c', 5, '-f', "$writer\@6", '-f', "$quick\@6");
pgbench($primary, 'readers', '-c', 2, '-f', "$reader\@8", '-f', "$quick\@1");
pgbench($primary, 'truncater', '-c', 1, '-f', "$truncater\@1", '-f', "$ddl\@1", '-f', "$writer\@8");
pgbench($primary, 'fresh connections', '-c', 1, '-C', '-f', $fresh);
pgbench($standby, 'standby', '-c', 3, '-f', $there);
pgbench($standby, 'standby, fresh connections', '-c', 1, '-C', '-f', file('once.sql', "SELECT * FROM look;\n"));

my %done;
foreach my $job (@running)
{
	my $ended = eval { $job->{run}->finish };
	ok($ended, "$job->{name}: nothing differed") or diag(${ $job->{out} });
	$done{ $job->{name} } = ${ $job->{out} } =~ /transactions actually processed: (\d+)/ ? $1 : 0;
	cmp_ok($done{ $job->{name} }, '>', 0, "$job->{name}: did something");
}
my ($lines, $looks) = split(/\|/, $primary->safe_psql('postgres', 'SELECT * FROM counted'));
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT * FROM look'), $lines, 'nothing differs on the standby at the end');
my $there_looks = 7 * $done{standby} + $done{'standby, fresh connections'};
diag("seed $seed, $seconds s: " . ($looks + $there_looks) * $lines . " comparisons in $looks looks on the primary and $there_looks on the standby");
cmp_ok($looks, '>', $seconds, 'there were many looks');
cmp_ok($there_looks, '>', $seconds, 'and many on the standby');
cmp_ok($primary->safe_psql('postgres', 'SELECT count(*) FROM quotetier.stamp'), '<', 1000, 'stamps are few');
done_testing();
