# Sessions that change tiers and grade by them, at random: every isolation level,
# savepoints, cursors, inserts and deletes, TRUNCATE, copies of the ladder made
# anew, statements that touch no table. Every answer is compared with that of a
# SELECT in the same statement; one that differs divides by zero and ends the run.
#
# Runs on the server that PGHOST and PGPORT name, for QUOTETIER_SOAK seconds (60).
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $seconds = $ENV{QUOTETIER_SOAK} || 60;
my $seed = $ENV{QUOTETIER_SEED} || int(rand(1 << 30));
my $dir = tempdir(CLEANUP => 1);
$ENV{PGOPTIONS} = '-c client_min_messages=warning -c deadlock_timeout=20ms';
diag("seed $seed, $seconds s");

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

my $setup = file('setup.sql', q{
	CREATE EXTENSION quotetier CASCADE;
	INSERT INTO quotetier.scheme (name) VALUES ('a'), ('b');
	INSERT INTO quotetier.tier (scheme, name, rank, from_value) SELECT s, 't' || i, i, i * 100 FROM generate_series(0, 9) i, unnest('{a,b}'::text[]) s;
	-- 1 if tier() and SELECT agree on 20 scores of both schemes, else an error
	CREATE VIEW look AS
		SELECT 1 / (count(*) FILTER (WHERE quotetier.tier(s, v) IS DISTINCT FROM
			(SELECT name FROM quotetier.tier t WHERE t.scheme = s AND from_value <= v ORDER BY from_value DESC LIMIT 1)) = 0)::int AS same,
			count(*) AS compared
		FROM unnest('{a,b}'::text[]) s, generate_series(25, 1025, 50) v;
	CREATE TABLE comparisons (n bigint);
});

my $change = q{
\set change random(1, 11)
\set rung random(1, 9)
\set to :rung * 100 + random(-40, 40)
\if :change <= 6
UPDATE quotetier.tier SET from_value = :to WHERE scheme = 'a' AND rank = :rung;
\elif :change <= 8
UPDATE quotetier.tier SET from_value = from_value + random() WHERE scheme = 'b';
\elif :change <= 9
DELETE FROM quotetier.tier WHERE scheme = 'a' AND rank = :rung;
\else
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('a', 't' || :rung, :rung, :rung * 100) ON CONFLICT DO NOTHING;
\endif
};

# A session that changes and looks, one that only looks.
my $begin = q{
\set level random(1, 3)
\if :level = 1
BEGIN;
\elif :level = 2
BEGIN ISOLATION LEVEL REPEATABLE READ;
\else
BEGIN ISOLATION LEVEL SERIALIZABLE;
\endif
};
my $writer = file('writer.sql', "SELECT * FROM look;\n$begin SELECT * FROM look;\n$change SELECT * FROM look;\n"
	  . "\\set path random(1, 4)\n\\if :path = 1\nSAVEPOINT s;\n$change SELECT * FROM look;\nROLLBACK TO s;\nSELECT * FROM look;\n"
	  . "\\elif :path = 2\nDECLARE c CURSOR FOR SELECT look.* FROM generate_series(1, 3), LATERAL (SELECT * FROM look OFFSET 0) look;\nFETCH 1 FROM c;\n$change SELECT * FROM look;\nFETCH 1 FROM c;\nSELECT * FROM look;\nFETCH 1 FROM c;\n"
	  . "\\endif\n\\if :path = 3\nROLLBACK;\n\\else\nCOMMIT;\n\\endif\nSELECT * FROM look;\n");
my $reader = file('reader.sql', "SELECT * FROM look;\n$begin SELECT count(quotetier.tier('a', v)) FROM generate_series(1, 1000, 100) v;\nSELECT * FROM look;\n"
	  . "DECLARE c CURSOR FOR SELECT look.* FROM generate_series(1, 3), LATERAL (SELECT * FROM look OFFSET 0) look;\nFETCH 1 FROM c;\nSELECT * FROM look;\n\\sleep 1 ms\nSELECT * FROM look;\nFETCH 1 FROM c;\nSELECT quotetier.tier('b', 500);\nSELECT * FROM look;\nCOMMIT;\nSELECT * FROM look;\n");

my $truncater = file('truncater.sql', "$begin TRUNCATE quotetier.tier;\nSELECT * FROM look;\nINSERT INTO quotetier.tier (scheme, name, rank, from_value) SELECT s, 't' || i, i, i * 100 FROM generate_series(0, 9) i, unnest('{a,b}'::text[]) s;\nSELECT * FROM look;\nCOMMIT;\n");

run('dropdb --if-exists book_soak');
my ($status, $said) = run("createdb book_soak && psql -Xq -v ON_ERROR_STOP=1 -d book_soak -f $setup");
is($status, 0, 'set up') or diag($said);

($status, $said) = run("pgbench -n -c 6 -j 2 -T $seconds --random-seed=$seed --max-tries=0 -f $writer\@10 -f $reader\@10 -f $truncater\@1 book_soak");
is($status, 0, 'no answer differed') or diag($said);
my ($done) = $said =~ /transactions actually processed: (\d+)/;
cmp_ok($done || 0, '>', $seconds, 'and there were many');
diag("$done scripts of some 6 looks at 42 answers each");
is(qx{psql -XAtq -d book_soak -c "SELECT same FROM look"}, "1\n", 'nor does one at the end');
cmp_ok(qx{psql -XAtq -d book_soak -c "SELECT count(*) FROM quotetier.stamp"}, '<', 1000, 'stamps are few');
run('dropdb book_soak');
done_testing();
