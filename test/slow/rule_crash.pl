# Servers that crash while rules are read and written: a backend killed, the
# postmaster killed, a standby stopped at once. What comes up again has nothing
# different from a SELECT, and what was not committed is not there.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RuleLook;
use Session;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{QUOTETIER_ROUNDS} || 6;
*sees = \&RuleLook::sees;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "restart_after_crash = on\nmax_prepared_transactions = 5");
$primary->start;
$primary->safe_psql('postgres', RuleLook::setup(20000));
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;

sub session { return Session->new($_[0]->connstr('postgres')); }

# Sessions that look, change and are in the middle of reading all rules again.
sub busy
{
	my ($node) = @_;
	my @sessions = map { session($node) } 1 .. 4;
	$sessions[0]->send('BEGIN; UPDATE quotetier.rule SET value = 0; SELECT * FROM look') if $node == $primary;
	$_->send(join('; ', (RuleLook::LOOK) x 5)) foreach @sessions;
	return @sessions;
}

sub gone { $_->end foreach @_; return; }

my $price = 1;
my $kept;
foreach my $round (1 .. $rounds)
{
	# many rules change, so all sessions read them again; one change is prepared only
	$primary->safe_psql('postgres', 'UPDATE quotetier.rule SET value = value + 1 WHERE id <= 3000');
	$price++;
	$primary->safe_psql('postgres', "BEGIN; UPDATE quotetier.rule SET value = value + 1000 WHERE id = 5000; PREPARE TRANSACTION 'p$round'") if $round == 2;

	my @sessions = busy($primary);
	usleep(10_000 * $round);
	if ($round % 3 == 0)
	{
		$primary->stop('immediate');
		gone(@sessions);
		$primary->start;
	}
	elsif ($round % 3 == 1)
	{
		kill('KILL', $sessions[$round % 4]->{pid});
		gone(@sessions);
		usleep(200_000);
		$primary->poll_query_until('postgres', 'SELECT true') or die;
	}
	else
	{
		my @processes = split(/\n/, $primary->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity'));
		$primary->kill9;
		gone(@sessions);
		# what the postmaster left behind ends by itself, and is in the way until then
		usleep(100_000) while grep { kill(0, $_) } @processes;
		$primary->start;
	}
	my ($one, $two) = map { session($primary) } 1 .. 2;
	sees($_, $price, "round $round: after the crash") foreach ($one, $two);
	$one->ask('UPDATE quotetier.rule SET value = value + 1 WHERE id = 1');
	$price++;
	sees($_, $price, "round $round: a change") foreach ($two, $one);
	if ($round == 4)
	{
		$one->ask(q{COMMIT PREPARED 'p2'});
		sees($_, $price, 'what was prepared before crashes is committed') foreach ($two, $one);
		is($one->ask('SELECT value FROM quotetier.rule WHERE id = 5000'), 6000, 'and there');
	}
	gone($one, $two);

	$primary->wait_for_catchup($standby);
	@sessions = busy($standby);
	sees($sessions[0], $price, "round $round: on the standby") if $sessions[0]->answer;
	$standby->stop('immediate');
	gone(@sessions);
	$standby->start;
	$primary->wait_for_catchup($standby);
	my $reader = session($standby);
	sees($reader, $price, "round $round: on the standby after its crash");
	gone($reader);
}
done_testing();
