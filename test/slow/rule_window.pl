# Between the end of a transaction and the word of it to others: gdb holds one there
# that has disabled the stamp trigger, changed a rule and enabled the trigger again.
# Others' snapshots see the change, so their quotes must; also of books they have.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RuleLook;
use Session;
use Test::More;

plan skip_all => 'gdb is not installed' if system('gdb --version >/dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
$node->safe_psql('postgres', RuleLook::setup(400));
my ($writer, $reader) = map { Session->new($node->connstr('postgres')) } 1 .. 2;
RuleLook::sees($reader, 1, 'a book is there');

$writer->ask('BEGIN; ALTER TABLE quotetier.rule DISABLE TRIGGER stamp_row; UPDATE quotetier.rule SET value = value + 1 WHERE step = \'list\'; '
	  . 'ALTER TABLE quotetier.rule ENABLE ALWAYS TRIGGER stamp_row');
my ($in, $out) = ("set pagination off\nhandle SIGUSR1 nostop noprint pass\nbreak AtEOXact_Inval\ncontinue\n", '');
my $gdb = IPC::Run::start([ 'gdb', '-q', '-p', $writer->{pid} ], '<' => \$in, '>' => \$out, '2>&1', IPC::Run::timeout(120));
$gdb->pump until $out =~ /Continuing|ptrace:/;
SKIP:
{
	skip 'gdb may not attach here', 2 if $out !~ /Continuing/;
	$writer->send('COMMIT');
	$gdb->pump until $out =~ /hit Breakpoint|Breakpoint 1, /;
	RuleLook::sees($reader, 2, 'seen before it is told');
	$in .= "delete\ndetach\n";
	$gdb->pump until $out =~ /detached/i;
	$writer->answer;
	RuleLook::sees($reader, 2, 'and afterwards');
}
$gdb->kill_kill;
done_testing();
