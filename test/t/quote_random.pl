# Random policies and lines, priced by quotetier and by a second implementation
# (test/oracle, test/fuzz): they must agree to the last digit. So must a rule book
# that is patched after random changes, and one compiled anew; and a first line,
# priced by the rules that concern it, and the same by all. Two sessions at once,
# each in a database of its own; the seeds are printed.
#
#   QUOTETIER_LINES=1000000 QUOTETIER_SEED=7 prove test/t/quote_random.pl
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $test = dirname(abs_path(__FILE__)) . '/..';
my $lines = $ENV{QUOTETIER_LINES} || 100_000;
my $seed = $ENV{QUOTETIER_SEED} || int(rand(900_000));
my @runs;

foreach my $session (0, 1)
{
	my $database = "quote_random_$session";
	my %run = (database => $database, seed => $seed + $session);
	my $share = int(($lines + $session) / 2);
	my $scales = int($share / 250) + 1;
	my $policies = int($share / 10_000) + 1;

	diag("seed $run{seed}: $share lines");
	qx{psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>&1};
	open($run{out}, '-|',
		qq{psql -X -q -v ON_ERROR_STOP=1 -d $database -c "SET client_min_messages = warning" }
		  . qq{-c "CREATE EXTENSION quotetier CASCADE" -f "$test/oracle/quote.sql" -f "$test/fuzz/quote.sql" -f "$test/fuzz/patch.sql" -f "$test/fuzz/line.sql" }
		  . qq{-c "SET client_min_messages = notice" -c "CALL fuzz.quotes($run{seed}, $share)" }
		  . qq{-c "CALL fuzz.graduated($run{seed}, $scales)" -c "CALL fuzz.patches($run{seed}, $policies)" }
		  . qq{-c "CALL fuzz.first_lines($run{seed}, 4 * $policies)" 2>&1})
	  or die "psql: $!";
	push @runs, \%run;
	$run{expected} = qr/$share lines, 0 differences.*$scales graduated scales, no total falls.*a patched book quotes as a compiled one.*cost as much by the rules/s;
}
foreach my $run (@runs)
{
	my $out = do { local $/; readline($run->{out}) } // '';

	close($run->{out});
	like($out, $run->{expected}, "seed $run->{seed} shows no difference");
	qx{psql -X -q -d postgres -c "DROP DATABASE $run->{database}" 2>&1};
}
done_testing();
