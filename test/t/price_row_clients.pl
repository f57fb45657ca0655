# price_row() under eight clients while others change the rules. Every statement
# that writes a row writes beside it what a SELECT of its own says the price is;
# at the end the two are the same on every row. One client works in long
# transactions, whose prices are those of their beginning. Lines of a few products
# whose rules nobody touches have the price they always had.
#
# Runs on the server that PGHOST and PGPORT name, for QUOTETIER_SECONDS seconds (5).
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $seconds = $ENV{QUOTETIER_SECONDS} || 5;
my $seed = $ENV{QUOTETIER_SEED} || 20250101;
my $dir = tempdir(CLEANUP => 1);
$ENV{PGOPTIONS} = '-c client_min_messages=warning -c deadlock_timeout=50ms';

sub run
{
	my ($command) = @_;
	my $said = qx{$command 2>&1};
	return ($? >> 8, $said);
}

sub file
{
	my ($name, $text) = @_;
	open(my $out, '>', "$dir/$name") or die $!;
	print $out $text;
	close($out);
	return "$dir/$name";
}

sub query { chomp(my $said = qx{psql -XAtq -d price_row_clients -c "$_[0]" 2>&1}); return $said; }

my $setup = file('setup.sql', q{
	CREATE EXTENSION quotetier CASCADE;
	INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
	SET session_replication_role = replica;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
	SELECT i, 'default', 'list', jsonb_build_object('sku', 'S' || i), 'price', i FROM generate_series(1, 2000) i;
	RESET session_replication_role;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
	SELECT 10000 + i, 'default', 'tier', jsonb_build_object('tier', 'T' || i), 'percent_off', i FROM generate_series(1, 5) i;
	ANALYZE quotetier.rule;
	CREATE INDEX sku ON quotetier.rule ((scope ->> 'sku'));
	-- the judge: the price of a product, less what the tier takes off
	CREATE FUNCTION judge(sku text, tier text) RETURNS numeric STABLE LANGUAGE sql RETURN round(
		(SELECT value FROM quotetier.rule WHERE scope ->> 'sku' = sku)
		* (1 - coalesce((SELECT max(value) FROM quotetier.rule WHERE step = 'tier' AND scope ->> 'tier' = tier), 0) / 100), 2);
	CREATE TABLE sale (id bigserial PRIMARY KEY, sku text, tier text, qty int, price numeric, amount numeric, status text, version text, judged numeric, kind text);
	CREATE TRIGGER price BEFORE INSERT OR UPDATE ON sale FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
		'quantity=qty', 'net_price=price', 'net_amount=amount', 'status=status', 'version=version', 'input=sku', 'input=tier');
});

# :s is a product, mostly one of the 20 whose rules change; 2,000 and up have none
my $line = '\set s random(1, 25)\n\set t random(0, 6)\n\set q random(1, 9)\n';
my $one = q{('S' || CASE WHEN :s > 23 THEN 1990 + (:s + g) % 12 ELSE (:s + g) % 20 END, 'T' || (:t + g) % 7)};
my $insert = qq{INSERT INTO sale (sku, tier, qty, judged, kind)
	SELECT sku, tier, :q, judge(sku, tier), 'KIND' FROM generate_series(1, 1 + :q % 3) g, LATERAL (VALUES $one) f (sku, tier);\n};
my $update = q{UPDATE sale SET qty = qty + 1, tier = 'T' || :t, judged = judge(sku, 'T' || :t), kind = kind || 'u'
	WHERE id IN (SELECT id FROM sale WHERE kind LIKE 'insert%' ORDER BY id DESC LIMIT 2 OFFSET :s);} . "\n";
my $upsert = q{INSERT INTO sale (id, sku, tier, qty, judged, kind) VALUES (-:q, 'S' || :s, 'T' || :t, :q, judge('S' || :s, 'T' || :t), 'upsert')
	ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, tier = excluded.tier, qty = sale.qty + 1, judged = judge(excluded.sku, excluded.tier);} . "\n";
my %levels = (rc => 'BEGIN;', rr => 'BEGIN ISOLATION LEVEL REPEATABLE READ;', ser => 'BEGIN ISOLATION LEVEL SERIALIZABLE;');
my @scripts;
(my $plain = $insert) =~ s/KIND/insert/;
(my $long = $insert) =~ s/KIND/long/;
s/\\n/\n/g foreach ($line);
push(@scripts, file('insert.sql', $line . $plain) . '@20');
push(@scripts, file('update.sql', $line . $update) . '@10');
push(@scripts, file('upsert.sql', $line . $upsert) . '@6');
push(@scripts, file("$_.sql", "$line$levels{$_}\n$plain$update\\sleep 2 ms\n${line}SAVEPOINT s;\n${plain}ROLLBACK TO s;\n$plain" . "COMMIT;\n") . '@3') foreach sort keys %levels;
push(@scripts, file('long.sql', "$line$levels{rr}\n" . "$long\\sleep 100 ms\n$line" x 4 . "COMMIT;\n") . '@1');
my $writer = file('writer.sql', q{
\set change random(1, 9)
\set s random(0, 22)
\set t random(1, 6)
\if :change <= 4
UPDATE quotetier.rule SET value = value + 1 WHERE id = :s;
\elif :change <= 6
UPDATE quotetier.rule SET value = 1 + (value + :t) % 50 WHERE id = 10000 + :t;
\elif :change <= 7
BEGIN;
DELETE FROM quotetier.rule WHERE id = :s;
UPDATE quotetier.rule SET value = 40 WHERE id = 10000 + :t;
ROLLBACK;
\elif :change <= 8
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM quotetier.rule WHERE id = 10006;
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (10006, 'default', 'tier', '{"tier": "T6"}', 'percent_off', :t) ON CONFLICT (id) DO NOTHING;
COMMIT;
\else
UPDATE quotetier.rule SET value = value + 1 WHERE id BETWEEN 100 AND 1500;
\endif
\sleep 3 ms
});

run('dropdb --if-exists price_row_clients');
my ($status, $said) = run("createdb price_row_clients && psql -Xq -v ON_ERROR_STOP=1 -d price_row_clients -f $setup");
is($status, 0, 'set up') or diag($said);

my $options = "-n -T $seconds --random-seed=$seed --max-tries=0 price_row_clients";
open(my $writers, '-|', "pgbench -c 2 -f $writer $options 2>&1") or die $!;
my $files = join(' ', map { "-f $_" } @scripts);
($status, $said) = run("pgbench -c 8 -j 2 $files $options");
is($status, 0, 'eight clients') or diag($said);
my $written = join('', <$writers>);
ok(close($writers), 'two writers') or diag($written);
my ($transactions) = $said =~ /transactions actually processed: (\d+)/;
my ($changes) = $written =~ /transactions actually processed: (\d+)/;

my ($rows, $different, $versions) = split(/\|/, query('SELECT count(*), count(*) FILTER (WHERE price IS DISTINCT FROM judged OR amount IS DISTINCT FROM judged * qty), count(DISTINCT version) FROM sale'));
diag("seed $seed: $transactions transactions, $changes changes of rules, $rows rows priced by $versions versions of them");
is($different, 0, 'every price is the judge\'s');
cmp_ok($rows, '>', 30 * $seconds, 'of many rows');
cmp_ok($versions, '>', 3 * $seconds, 'and many versions');
is(query(q{SELECT count(*) FROM sale WHERE sku IN ('S1990', 'S1999', 'S2000') AND tier = 'T0' AND price <> substr(sku, 2)::numeric}), 0, 'what nobody changed costs what it cost');
is(query(q{SELECT count(*) FROM sale WHERE (status = 'ok') <> (price IS NOT NULL)}), 0, 'what has no price says so');
is(query(q{SELECT count(*) FROM (SELECT FROM sale WHERE kind = 'long' GROUP BY xmin::text, sku, tier HAVING count(DISTINCT (price, version)) > 1) x}), 0, 'a long transaction has one price for one thing');
cmp_ok(query(q{SELECT count(*) FROM sale WHERE kind = 'long'}), '>', 10, 'and there were some');
run('dropdb price_row_clients');
done_testing();
