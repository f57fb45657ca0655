# Images of large rule books: one session compiles, all others map; and whatever
# happens to the files, quotes are right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('image');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on");
$node->start;

sub one
{
	my ($sql, $where, $database) = @_;
	return ($where // $node)->safe_psql($database // 'postgres', $sql);
}

sub images
{
	my ($where) = @_;
	my @files = glob(($where // $node)->data_dir . '/base/pgsql_tmp/pgsql_tmp_quotetier.*');
	return @files;
}

# what 50 lines cost by SELECT and by quote, and whether the book is shared
my $look = q{
SELECT count(*) FILTER (WHERE quotetier.net_price(f, 1, '2024-01-01', 'large') <> r.value) AS wrong,
       (SELECT s.shared FROM quotetier.rule_book_stats('large') s)
FROM (SELECT * FROM quotetier.rule WHERE policy = 'large' AND id % 400 = 0) r, LATERAL (SELECT r.scope ->> 'sku' AS sku) f};
my $stats = q{SELECT shared, patched, loads, rules FROM quotetier.rule_book_stats('large')};
my $set_up = q{
CREATE EXTENSION quotetier CASCADE;
INSERT INTO quotetier.dimension (name) VALUES ('sku');
INSERT INTO quotetier.policy (name) VALUES ('large');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('large', 1, 'list', 'first');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'large', 'list', jsonb_build_object('sku', 'S' || i), 'price', i FROM generate_series(1, 20000) i;
};
one($set_up);

is(scalar(images()), 0, 'no image before the first quote');
is(one($look), '0|t', 'the first session compiles, and maps what it has left');
my ($file) = images();
ok(defined $file, 'an image stands there');
cmp_ok(-s $file, '>', 1_000_000, 'of a megabyte or more');
is(sprintf('%o', (stat $file)[2] & 07777), '600', 'that only the server can read');
is(one($stats), 't|0|1|20000', 'another session maps it');
is(one("SET quotetier.share_books = off; $stats"), 'f|0|1|20000', 'or compiles, if it wants');

# few changes: the image stays, sessions patch it
my $inode = (stat $file)[1];
one(q{UPDATE quotetier.rule SET value = value + 0.5 WHERE id % 8000 = 0});
is(one($stats), 't|2|1|20000', 'a change of two rules is patched');
is(one($look), '0|t', 'and quoted');
is((stat $file)[1], $inode, 'on the same image');

# an old snapshot keeps its book, and does not take the image back
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
one(q{UPDATE quotetier.rule SET value = value + 0.25 WHERE id <= 3000});
is(one($look), '0|t', 'a change of many rules is compiled');
isnt((stat $file)[1], $inode, 'into a new image');
$inode = (stat $file)[1];
is($old->query_safe($look), '0|f', 'a session with an older snapshot compiles what that sees');
is((stat $file)[1], $inode, 'and leaves the newer image alone');
$old->query_safe('COMMIT');
is($old->query_safe($look), '0|t', 'until it sees what the others do');
$old->quit;

# the image goes when the server starts, however it ended
$node->stop('immediate');
$node->start;
is(scalar(images()), 0, 'after a crash no image is left');
is(one($look), '0|t', 'and quotes are right');

# files that are not what they say
my $damage = sub {
	my ($how, $change) = @_;
	my ($path) = images();
	my $whole = slurp_file($path);
	unlink($path);
	append_to_file($path, $change->($whole));
	is(one($look), '0|t', "$how: quotes are right, and an image stands there again");
	is(-s $path, length($whole), 'a whole one');
};
$damage->('a file cut short', sub { substr($_[0], 0, length($_[0]) - 5000) });
$damage->('a header cut short', sub { substr($_[0], 0, 20) });
$damage->('an empty file', sub { '' });
$damage->('another format', sub { 'x' . substr($_[0], 1) });
$damage->('a longer file', sub { $_[0] . 'x' });

# another database, another installation: other images, never this one
one('CREATE DATABASE copy TEMPLATE postgres');
one(q{UPDATE quotetier.rule SET value = value + 1 WHERE id = 400}, $node, 'copy');
is(one($look, $node, 'copy'), '0|t', 'a copied database has an image of its own');
is(scalar(images()), 2, 'there are two');
one('DROP DATABASE copy');
one("DROP EXTENSION quotetier CASCADE; $set_up UPDATE quotetier.rule SET value = value + 1");
is(one($look), '0|t', 'made anew, the extension does not read the image of before');
is(scalar(images()), 1, 'and what is gone is cleared away');

# where nothing can be written, sessions compile for themselves
my $folder = $node->data_dir . '/base/pgsql_tmp';
unlink(images());
chmod(0500, $folder);
is(one($look), '0|f', 'a folder that cannot be written to');
chmod(0700, $folder);
is(one($look), '0|t', 'and one that can again');

# many at once: one compiles
unlink(images());
my @sessions = map { $node->background_psql('postgres') } 1 .. 6;
$_->query_safe('SET client_min_messages = warning') foreach @sessions;
my @runs = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $look ], '>', \my $out) } 1 .. 6;
$_->finish foreach @runs;
is(one(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'no lock is left by sessions that load at once');
is($_->query_safe($look), '0|t', 'each is right') foreach @sessions;
$_->quit foreach @sessions;

# a standby makes its own, a base backup has none
my $backup = $node->backup('b');
my @copied = glob($node->backup_dir . '/b/base/pgsql_tmp/*');
is("@copied", '', 'a base backup has no image');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
is(one($look, $standby), '0|t', 'a standby compiles and leaves an image');
is(one($stats, $standby), 't|0|1|20000', 'that its sessions map');
one('UPDATE quotetier.rule SET value = value + 1 WHERE id % 400 = 0');
$node->wait_for_catchup($standby);
is(one($look, $standby), '0|t', 'and patches by what is replayed');
my $open = $standby->background_psql('postgres');
is($open->query_safe($look), '0|t', 'also in a session that is open');
$standby->promote;
one('UPDATE quotetier.rule SET value = value + 1 WHERE id % 800 = 0', $standby);
is($open->query_safe($look), '0|t', 'when it is promoted and goes its own way');
$open->quit;
$standby->stop;
$node->stop;
done_testing();
