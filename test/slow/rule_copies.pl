# What a quote sees where the same rules are in several places, that part ways:
# databases copied from one another, dumped and restored in each way, dropped and
# made anew; data folders copied and started beside; the extension updated. What a
# session keeps or shares must never be that of another place.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use RuleLook;
use Session;
use Test::More;

*sees = \&RuleLook::sees;

my $node = PostgreSQL::Test::Cluster->new('original');
$node->init(allows_streaming => 1);
$node->start;

sub session { return Session->new($node->connstr($_[0])); }

sub price
{
	my ($where, $database, $price) = @_;
	$where->safe_psql($database, "UPDATE quotetier.rule SET value = $price WHERE id = 1");
}

# ---- a database made from another
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', RuleLook::setup(12000));
my $early = session('shop');
sees($early, 1, 'before');
$early->end;
$node->safe_psql('postgres', 'CREATE DATABASE twin TEMPLATE shop');
my $shop = session('shop');
my $twin = session('twin');
sees($shop, 1, 'the original');
sees($twin, 1, 'the copy');
price($node, 'twin', 2);
sees($shop, 1, 'a change of the copy is not the original\'s');
sees($twin, 2, 'but the copy\'s');
price($node, 'shop', 3);
sees($twin, 2, 'a change of the original is not the copy\'s');
sees($shop, 3, 'but the original\'s');
$node->safe_psql($_, 'UPDATE quotetier.rule SET value = value + 1 WHERE id BETWEEN 1 AND 2000') foreach ('shop', 'twin');
sees($twin, 3, 'the same change of both: the copy');
sees($shop, 4, 'and the original');
$twin->end;
$node->safe_psql('postgres', $_) foreach ('DROP DATABASE twin', 'CREATE DATABASE twin');
$node->safe_psql('twin', RuleLook::setup(12000));
price($node, 'twin', 5);
$twin = session('twin');
sees($twin, 5, 'another database of the same name');
sees($shop, 4, 'beside the original');

# ---- dumped, and restored beside sessions that have looked; row by row if triggers are disabled, so that is done with few
$node->safe_psql('postgres', 'CREATE DATABASE small');
$node->safe_psql('small', RuleLook::setup(800));
price($node, 'small', 4);
my $folder = PostgreSQL::Test::Utils::tempdir;
my %url = map { $_ => $node->connstr($_) } ('shop', 'small', 'restored');
$node->command_ok([ 'pg_dump', '-f', "$folder/plain", $url{shop} ], 'dump');
$node->command_ok([ 'pg_dump', '-Fd', '-f', "$folder/$_", $url{$_} ], 'dump into a directory') foreach ('shop', 'small');
foreach ([ 'plain', 0, 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$folder/plain", $url{restored} ],
	[ 'two jobs', 0, 'pg_restore', '-e', '-j2', '-d', $url{restored}, "$folder/shop" ],
	[ 'data only, triggers disabled', 1, 'pg_restore', '-e', '--data-only', '--disable-triggers', '-d', $url{restored}, "$folder/small" ],
	[ 'data only, triggers disabled, two jobs', 1, 'pg_restore', '-e', '--data-only', '--disable-triggers', '-j2', '-d', $url{restored}, "$folder/small" ])
{
	my ($way, $extension, @restore) = @$_;
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	# what is restored without triggers needs what setup() makes
	$node->safe_psql('restored', RuleLook::setup(400) . q{
		TRUNCATE quotetier.rule, quotetier.scale, line;
		DELETE FROM quotetier.policy WHERE name = 'look';
		DELETE FROM quotetier.dimension}) if $extension;
	my $watcher = session('restored');
	like($watcher->ask(q{SELECT quotetier.net_price('{"list_price": 7}'::jsonb)}), $extension ? qr/^7.00$/ : qr/schema "quotetier" does not exist/, "$way: before");
	$node->command_ok(\@restore, "$way: restores");
	my $fresh = session('restored');
	sees($fresh, 4, "$way: a new session");
	sees($watcher, 4, "$way: one that was there before");
	price($node, 'restored', 6);
	sees($fresh, 6, "$way: a change");
	sees($shop, 4, "$way: not of the original");
	$watcher->ask('BEGIN; DELETE FROM quotetier.rule WHERE id = 1');
	sees($watcher, '', "$way: own change");
	$watcher->ask('ROLLBACK');
	sees($watcher, 6, "$way: undone");
	$_->end foreach ($fresh, $watcher);
	$node->safe_psql('postgres', 'DROP DATABASE restored');
}

# ---- dropped and made anew, in one of the databases
$twin->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($twin, 5, 'in a transaction that goes on');
$twin->ask('COMMIT');
$node->safe_psql('twin', q{SET client_min_messages = warning; DROP EXTENSION quotetier CASCADE; DROP TABLE line});
like($twin->ask(RuleLook::LOOK), qr/relation "look" does not exist/, 'dropped');
$node->safe_psql('twin', RuleLook::setup(11000));
sees($twin, 1, 'made anew');
price($node, 'twin', 7);
sees($twin, 7, 'and changed');
sees($shop, 4, 'the other database has what it had');

# ---- a data folder copied while in use, and one copied at rest, each started beside
$node->backup('hot');
my $hot = PostgreSQL::Test::Cluster->new('hot');
$hot->init_from_backup($node, 'hot');
$hot->start;
my $in_hot = Session->new($hot->connstr('shop'));
sees($in_hot, 4, 'copied in use: as the original');
price($node, 'shop', 8);
price($hot, 'shop', 9);
sees($shop, 8, 'copied in use: the original goes its way');
sees($in_hot, 9, 'copied in use: and the copy its own');

$node->stop;
PostgreSQL::Test::RecursiveCopy::copypath($node->data_dir, $node->backup_dir . '/cold');
$node->start;
$shop = session('shop');
sees($shop, 8, 'started again');
price($node, 'shop', 10);
sees($shop, 10, 'and changed');
my $cold = PostgreSQL::Test::Cluster->new('cold');
$cold->init_from_backup($node, 'cold');
$cold->start;
my $in_cold = Session->new($cold->connstr('shop'));
sees($in_cold, 8, 'copied at rest: as the original then');
price($cold, 'shop', 11);
sees($in_cold, 11, 'copied at rest: goes its own way');
sees($shop, 10, 'and the original, too');
$_->stop foreach ($hot, $cold);

# ---- the extension updated while a session quotes
chomp(my $extensions = qx{$ENV{PG_CONFIG} --sharedir});
$extensions .= '/extension';
my $version = $node->safe_psql('shop', q{SELECT extversion FROM pg_extension WHERE extname = 'quotetier'});
my $script = "$extensions/quotetier--$version--next.sql";
SKIP:
{
	skip('the server\'s folder cannot be written to', 8) unless -w $extensions;
	END { unlink($script) if $script }
	append_to_file($script, q{
		ALTER TABLE quotetier.rule ADD later int NOT NULL DEFAULT 1;
		ALTER TABLE quotetier.step ADD later text;
		UPDATE quotetier.rule SET value = value + 1 WHERE id = 1;
		ALTER FUNCTION quotetier.net_price(jsonb, numeric, timestamptz, text) COST 90;
	});
	my $updater = session('shop');
	my $idle = session('shop');
	sees($idle, 10, 'update: a session that will be idle');
	$shop->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
	sees($shop, 10, 'update: before');
	$updater->send(q{ALTER EXTENSION quotetier UPDATE TO 'next'});
	$node->poll_query_until('shop', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $updater->{pid}");
	sees($shop, 10, 'update: while it waits for us');
	$shop->ask('COMMIT');
	is($updater->answer, '', 'update: done');
	sees($shop, 11, 'update: afterwards');
	sees($idle, 11, 'update: afterwards, idle before');
	price($node, 'shop', 12);
	sees($shop, 12, 'update: a change afterwards');
	$node->safe_psql('shop', 'INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, later) SELECT 3000000, policy, step, scope, adjust, value - 3, 2 FROM quotetier.rule WHERE id = 1');
	sees($shop, 9, 'update: a new row');
}
done_testing();
