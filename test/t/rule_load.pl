# Reading the rules interrupted: by a timeout, a cancel, an error, the end of the
# session. What is left is good: the next look has nothing different, in the same
# session and in others.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use RuleLook;
use Session;
use Test::More;
use Time::HiRes qw(usleep);

sub psql
{
	my ($database, $sql) = @_;
	my $said = qx{psql -XAtq -v ON_ERROR_STOP=1 -d $database -c '$sql' 2>&1};
	die "$sql\n$said" if $? != 0;
	chomp($said);
	return $said;
}

psql('postgres', 'DROP DATABASE IF EXISTS rule_load');
psql('postgres', 'CREATE DATABASE rule_load');
my ($a, $b, $writer) = map { Session->new('dbname=rule_load') } 1 .. 3;
$writer->ask(RuleLook::setup(12000));
*sees = \&RuleLook::sees;
my $price = 1;
my $one = q{SELECT quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01', 'look')};

# Changes the price of the first product, and so many other rules that all are read again.
sub change
{
	$writer->ask('UPDATE quotetier.rule SET value = value + 1 WHERE id <= 3000');
	$price++;
	return;
}

sees($_, 1, 'before') foreach ($a, $b);

# ---- timeouts, longer and longer, until one is long enough
my %ended = map { $_ => 0 } ('in time', 'timeout', 'cancel');
my $limit = 1;
foreach my $round (1 .. 12)
{
	change();
	$a->ask("SET statement_timeout = $limit");
	my $said = $a->ask($one);
	$a->ask('RESET statement_timeout');
	if ($said =~ /statement timeout/)
	{
		$ended{timeout}++;
		$limit = int($limit * 1.5) + 1;
	}
	else
	{
		$ended{'in time'}++;
		is($said, "$price.00", "in time ($limit ms)");
		$limit = 1;
	}
	# now and then without the look that mends everything
	next if $round % 3 == 1;
	sees($a, $price, "after a limit of $limit ms");
	sees($b, $price, 'and in another session') if $round % 3 == 0;
}
cmp_ok($ended{timeout}, '>', 0, 'some timed out') or diag(explain(\%ended));

# ---- the same inside a transaction that goes on from a savepoint
change();
$a->ask('BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = 1');
$a->ask($one);
$a->ask('ROLLBACK TO s');
sees($a, $price, 'a timeout, back to the savepoint');
$a->ask('UPDATE quotetier.rule SET value = value + 100 WHERE id = 1; SAVEPOINT s; SET LOCAL statement_timeout = 1');
$a->ask($one);
$a->ask('ROLLBACK TO s');
sees($a, $price + 100, 'the same with an own change');
$a->ask('ROLLBACK');
sees($a, $price, 'rolled back');

# ---- cancelled, sooner and later
foreach my $round (1 .. 12)
{
	change();
	$a->send($one);
	usleep(1500 * $round);
	$b->ask("SELECT pg_cancel_backend($a->{pid})");
	$ended{cancel}++ if $a->answer =~ /user request/;
	sees($a, $price, 'after a cancel') if $round % 2;
	sees($b, $price, 'and in another session') if $round % 4 == 0;
}
diag("ended: " . join(', ', map { "$_ $ended{$_}" } sort keys %ended));

# ---- sessions that end while they read
foreach my $round (1 .. 4)
{
	my $short = Session->new('dbname=rule_load');
	change();
	$short->send($one);
	usleep(4000 * $round);
	psql('rule_load', "SELECT pg_terminate_backend($short->{pid})");
	eval { $short->answer };
	sees($b, $price, 'after a session that was ended');
}

# ---- a rule that cannot be read: an error, nothing else, until it is gone
my $bad = q{SET session_replication_role = replica;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (0, 'look', 'tier', '{"nowhere": "x"}', 'percent_off', 50);
	RESET session_replication_role};
$writer->ask($bad);
like($_->ask($one), qr/^ERROR: .*unknown dimension/, 'a rule that cannot be read') foreach ($a, $b, $a);
$writer->ask('DELETE FROM quotetier.rule WHERE id = 0');
sees($_, $price, 'gone') foreach ($a, $b);
$a->ask("BEGIN; SAVEPOINT s; $bad");
like($a->ask($one), qr/^ERROR: .*unknown dimension/, 'one of one\'s own');
$a->ask('ROLLBACK TO s');
sees($a, $price, 'undone');
$a->ask('COMMIT');

ok($_->end, 'a session lived to the end') foreach ($a, $b, $writer);
psql('postgres', 'DROP DATABASE rule_load');
done_testing();
