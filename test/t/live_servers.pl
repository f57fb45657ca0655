# A tracked table in a dump and its restore, on a logical subscriber, on a hot standby.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $check = q{SELECT count(*) FROM quotetier.check_tracking('shop')};
my $total = q{SELECT sum(orders) || ' ' || sum(revenue) FROM shop_rfm};
my $write = q{
	INSERT INTO orders SELECT i, i % 30, '2024-03-01'::date + i % 60, i, 'k' || i % 4 FROM generate_series(1000, 1100) i;
	DELETE FROM orders WHERE customer = 3;
	UPDATE orders SET customer = 5, at = at - 20 WHERE customer = 4;
	UPDATE orders SET amount = amount + 1 WHERE id % 9 = 0;
};

sub holds
{
	my ($node, $what, $database) = @_;
	is($node->safe_psql($database // 'postgres', $check), '0', $what);
}

my $node = PostgreSQL::Test::Cluster->new('publisher');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION quotetier CASCADE;
	CREATE TABLE orders (id int, customer int, at date, amount numeric, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
	CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
	CREATE TABLE orders_2 (note text, kind text, id int NOT NULL, customer int, at date NOT NULL, gone int, amount numeric);
	ALTER TABLE orders_2 DROP gone, DROP note;
	ALTER TABLE orders ATTACH PARTITION orders_2 DEFAULT;
	INSERT INTO orders SELECT i, i % 20, '2024-01-01'::date + i % 200, i, 'k' || i % 3 FROM generate_series(1, 400) i;
	SELECT quotetier.track('shop', 'orders', customer => 'customer', at => 'at', amount => 'amount', by => 'kind', flush_every => 0);
	INSERT INTO orders VALUES (900, 3, '2025-01-01', 5, 'k9');
	DELETE FROM orders WHERE id = 7});
holds($node, 'nothing differs before the dump');
my $before = $node->safe_psql('postgres', $total);

# ---- dump and restore, plain and in parallel jobs; with a queue that is not empty
my $file = $node->basedir . '/dump';
foreach my $way ('plain', 'jobs')
{
	if ($way eq 'plain')
	{
		$node->command_ok([ 'pg_dump', '-f', "$file.sql", $node->connstr('postgres') ], 'dump');
		$node->safe_psql('postgres', "CREATE DATABASE $way");
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$file.sql", $node->connstr($way) ], 'restore');
	}
	else
	{
		$node->command_ok([ 'pg_dump', '-Fd', '-f', "$file.dir", $node->connstr('postgres') ], 'dump');
		$node->safe_psql('postgres', "CREATE DATABASE $way");
		$node->command_ok([ 'pg_restore', '-e', '-j', '3', '-d', $node->connstr($way), "$file.dir" ], 'restore in three jobs');
	}
	holds($node, "$way: nothing differs after the restore", $way);
	is($node->safe_psql($way, $total), $before, "$way: and it is what it was");
	$node->safe_psql($way, $write);
	holds($node, "$way: writes are followed", $way);
	$node->safe_psql($way, q{SET session_replication_role = replica; DELETE FROM orders WHERE customer = 9; INSERT INTO orders_1 VALUES (7000, 77, '2024-01-05', 5, 'k'); TRUNCATE orders_2});
	holds($node, "$way: in the replica role, too", $way);
	$node->safe_psql($way, q{CREATE TABLE more (LIKE orders); INSERT INTO more VALUES (9000, 99, '2030-01-01', 1, 'k');
		ALTER TABLE orders DETACH PARTITION orders_2; ALTER TABLE orders ATTACH PARTITION more DEFAULT});
	holds($node, "$way: partitions come and go", $way);
	$node->safe_psql($way, q{SELECT quotetier.untrack('shop')});
	is($node->safe_psql($way, q{SELECT count(*) FROM pg_class WHERE relname LIKE 'shop%'}), '0', "$way: untrack() leaves nothing");
}

# ---- a dump of the table alone: writes say what is wrong
$node->command_ok([ 'pg_dump', '-t', 'orders*', '-f', "$file.part", $node->connstr('postgres') ], 'dump of the table alone');
$node->safe_psql('postgres', 'CREATE DATABASE part');
$node->safe_psql('part', 'SET client_min_messages = warning; CREATE EXTENSION quotetier CASCADE');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$file.part", $node->connstr('part') ], 'and its restore');
my ($status, $out, $err) = $node->psql('part', $write);
like($err, qr/tracker "shop" cannot follow changes.*There is no tracker of that name/s, 'a trigger without its tracker is an error');

# ---- a logical subscriber: the first copy, applied changes, TRUNCATE
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION quotetier CASCADE;
	CREATE TABLE orders (id int, customer int, at date, amount numeric, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
	CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
	CREATE TABLE orders_2 PARTITION OF orders DEFAULT;
	INSERT INTO orders VALUES (-1, 1, '2020-01-01', 1, 'own');
	SELECT quotetier.track('shop', 'orders', customer => 'customer', at => 'at', amount => 'amount', by => 'kind', flush_every => 10)});
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE orders WITH (publish_via_partition_root = true)');
my $connection = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM orders'), '401', 'the first copy has come');
holds($subscriber, 'and is counted');
$node->safe_psql('postgres', $write);
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', 'SELECT sum(amount) - 1 FROM orders'), $node->safe_psql('postgres', 'SELECT sum(amount) FROM orders'), 'changes have come');
holds($subscriber, 'and are counted');
$node->safe_psql('postgres', 'TRUNCATE orders; INSERT INTO orders VALUES (1, 1, current_date, 1)');
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM orders'), '1', 'TRUNCATE has come');
holds($subscriber, 'and is counted');
$subscriber->safe_psql('postgres', 'INSERT INTO orders VALUES (5000, 1, current_date, 1)');
holds($subscriber, 'so are the subscriber\'s own writes');

# ---- tables of which everything is published can be folded
$node->safe_psql('postgres', q{CREATE PUBLICATION everything FOR ALL TABLES; SELECT quotetier.flush_tracking('shop')});
holds($node, 'the queue folds though its deletes are published');

# ---- a hot standby reads what the primary does
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', $write);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
holds($standby, 'the standby agrees');
is($standby->safe_psql('postgres', $total), $node->safe_psql('postgres', $total), 'with the primary');
$standby->promote;
$standby->safe_psql('postgres', $write =~ s/1000, 1100/2000, 2100/r);
holds($standby, 'and goes on when it is promoted');

done_testing();
