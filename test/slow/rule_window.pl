# Between the end of a transaction and the word of it to others: gdb holds one there
# that has disabled the stamp trigger, changed a rule and enabled the trigger again;
# then a standby's startup process, which replays another. Others' snapshots see the
# change, so their quotes must; also of books they have.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RuleLook;
use Session;
use Test::More;

plan skip_all => 'gdb is not installed' if system('gdb --version >/dev/null 2>&1') != 0;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', RuleLook::setup(400));
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $writer = Session->new($primary->connstr('postgres'));
my $startup = $standby->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'});
my $price = 1;

# The process is held at this function while a change is committed.
sub window
{
	my ($pid, $function, $node) = @_;
	my $reader = Session->new($node->connstr('postgres'));

	RuleLook::sees($reader, $price, $node->name . ': a book is there');
	$writer->ask('BEGIN; ALTER TABLE quotetier.rule DISABLE TRIGGER stamp_row; UPDATE quotetier.rule SET value = value + 1 WHERE step = \'list\'; '
		  . 'ALTER TABLE quotetier.rule ENABLE ALWAYS TRIGGER stamp_row');
	my ($in, $out) = ("set pagination off\nhandle SIGUSR1 nostop noprint pass\nbreak $function\ncontinue\n", '');
	my $gdb = IPC::Run::start([ 'gdb', '-q', '-p', $pid ], '<' => \$in, '>' => \$out, '2>&1', IPC::Run::timeout(120));
	$gdb->pump until $out =~ /Continuing|ptrace:/;
  SKIP:
	{
		skip 'gdb may not attach here', 2 if $out !~ /Continuing/;
		$writer->send('COMMIT');
		$gdb->pump until $out =~ /hit Breakpoint|Breakpoint 1, /;
		$price++;
		RuleLook::sees($reader, $price, $node->name . ': seen before it is told');
		$in .= "delete\ndetach\n";
		$gdb->pump until $out =~ /detached/i;
		$writer->answer;
		RuleLook::sees($reader, $price, $node->name . ': and afterwards');
	}
	$gdb->kill_kill;
}

window($writer->{pid}, 'AtEOXact_Inval', $primary);
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
window($startup, 'ProcessCommittedInvalidationMessages', $standby);
done_testing();
