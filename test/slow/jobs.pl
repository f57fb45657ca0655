# The jobs behind make: the demo on real data (or, without network, generated)
# says what it should, and nothing of a job is left when it ends or is ended.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

chdir(dirname(abs_path(__FILE__)) . '/../..') or die;
my $folder = tempdir('/tmp/jobs.XXXX', CLEANUP => 1);
$ENV{TMPDIR} = $folder;

sub left_behind
{
	my @files = glob("$folder/*");
	my @processes = grep { /\Q$folder\E/ && !/\bps\b/ } qx{ps -eo pid,args};
	return join('', @files, @processes);
}

my $printed = qx{scripts/demo 2>&1};
is($?, 0, 'the demo runs') or diag($printed);
like($printed, qr/$_/, "the demo prints: $_")
  foreach 'revenue by segment', 'revenue by tier', '9994 │   9994', 'against the policy, by tier', 'Why that price\?', 'rounding|applied';
is(left_behind(), '', 'and leaves nothing behind');

foreach my $signal (qw(INT TERM))
{
	foreach my $seconds (1, 6)
	{
		my $job = fork() // die;
		if ($job == 0)
		{
			open(STDOUT, '>', '/dev/null');
			open(STDERR, '>', '/dev/null');
			exec('scripts/check');
		}
		sleep($seconds);
		kill($signal, $job);
		waitpid($job, 0);
		isnt($?, 0, "check is ended by $signal after $seconds seconds");
		is(left_behind(), '', 'and leaves nothing behind');
	}
}

done_testing();
