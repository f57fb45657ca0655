# Binary input and output of rfm and btyd: values come back, and what could not
# have been one is refused, whatever its bytes.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use File::Temp;
use Test::More;

my $database = 'rfm_binary';
my $folder = File::Temp->newdir;

sub psql
{
	my ($db, $script) = @_;
	my $file = File::Temp->new(SUFFIX => '.sql');
	print $file $script;
	close($file);
	return qx{psql -X -q -A -t -d "$db" -f "$file" 2>&1};
}

psql('postgres', "DROP DATABASE IF EXISTS $database");
psql('postgres', "CREATE DATABASE $database");
psql($database, 'CREATE EXTENSION quotetier CASCADE');
psql($database, q{
	CREATE TABLE was AS
	SELECT quotetier.rfm_agg(date '1999-12-01' + i % 90, (i - 500) * power(10::numeric, i % 41 - 20)) AS s
	FROM generate_series(1, 1000) i GROUP BY i % 50;
	CREATE TABLE is_ (LIKE was);
	CREATE TABLE one AS SELECT quotetier.rfm '(2017-01-01 00:00:00,2017-01-02 00:00:00,2,-1.50)' AS s;
});

# ----- round trip -----

psql($database, "\\copy was to '$folder/was' (format binary)\n\\copy is_ from '$folder/was' (format binary)");
is(psql($database, 'SELECT count(*) FROM (TABLE was INTERSECT TABLE is_) s'), "50\n", 'values come back');
is(psql($database, 'SELECT count(*) FROM (SELECT s::text FROM was EXCEPT SELECT s::text FROM is_) s'),
	"0\n", 'and show the same');

# ----- damaged values: first_at, last_at, orders, scale, shown, four limbs -----

psql($database, "\\copy one to '$folder/one' (format binary)");
open(my $in, '<:raw', "$folder/one") or die $!;
my $good = do { local $/; <$in> };
close($in);

# signature 11, flags 4, header extension 4, field count 2, length 4
my $start = 25;
my @case = (
	[ 'infinite first order', 0, pack('q>', -9223372036854775807 - 1) ],
	[ 'first order before any timestamp', 0, pack('q>', -9223372036854775806) ],
	[ 'first order after the last', 0, pack('q>', 9000000000000000) ],
	[ 'no orders', 16, pack('q>', 0) ],
	[ 'one order with two times', 16, pack('q>', 1) ],
	[ 'negative scale', 24, pack('s>', -1) ],
	[ 'scale above the decimals shown', 24, pack('s>', 3) ],
	[ 'too many decimals shown', 26, pack('s>', 16384) ],
);
foreach my $case (@case)
{
	my ($name, $at, $bytes) = @$case;
	my $bad = $good;
	substr($bad, $start + $at, length $bytes) = $bytes;
	open(my $out, '>:raw', "$folder/bad") or die $!;
	print $out $bad;
	close($out);
	like(psql($database, "\\set VERBOSITY verbose\n\\copy one from '$folder/bad' (format binary)"),
		qr/ERROR:  22P03: invalid rfm value\nDETAIL/, "$name is refused");
}

# ----- btyd -----

psql($database, q{
	CREATE TABLE btyd_was AS
	SELECT quotetier.btyd_agg(timestamp '1999-12-01' + i * interval '7 hours', (i - 500) * power(10::numeric, i % 21 - 10), period) AS s
	FROM generate_series(1, 1000) i, unnest('{1 day,1 week,1 month,90 minutes}'::interval[]) period GROUP BY i % 50, period;
	CREATE TABLE btyd_is (LIKE btyd_was);
	CREATE TABLE btyd_one AS SELECT quotetier.btyd '(1 days,-1.50,1,{2017-01-01,2017-01-02})' AS s;
});
psql($database, "\\copy btyd_was to '$folder/btyd' (format binary)\n\\copy btyd_is from '$folder/btyd' (format binary)");
is(psql($database, 'SELECT count(*), count(DISTINCT s::text) FROM btyd_is WHERE s::text IN (SELECT s::text FROM btyd_was)'),
	"200|200\n", 'btyd: values come back');
psql($database, "\\copy btyd_one to '$folder/btyd' (format binary)");
open($in, '<:raw', "$folder/btyd") or die $!;
my $btyd = do { local $/; <$in> };
close($in);

# unit 1, length 8, scale 2, shown 2, revenue 16, first 16, number of periods 4, periods
foreach my $case (
	[ 'unknown unit', 0, pack('C', 3) ],
	[ 'no length', 1, pack('q>', 0) ],
	[ 'too many days', 1, pack('q>', 1 << 33) ],
	[ 'scale above the decimals shown', 9, pack('s>', 3) ],
	[ 'no periods', 45, pack('l>', 0) ],
	[ 'more periods than bytes', 45, pack('l>', 1000000000) ],
	[ 'periods out of order', 49, pack('l>', 100000) ],
	[ 'period before all timestamps', 49, pack('l>', -2147483648) ])
{
	my ($name, $at, $bytes) = @$case;
	my $bad = $btyd;
	substr($bad, $start + $at, length $bytes) = $bytes;
	open(my $out, '>:raw', "$folder/bad") or die $!;
	print $out $bad;
	close($out);
	like(psql($database, "\\set VERBOSITY verbose\n\\copy btyd_one from '$folder/bad' (format binary)"),
		qr/ERROR:  22P03: invalid btyd value\nDETAIL/, "btyd: $name is refused");
}

# any bytes at all: refused or a value that can be written and read again
my $seed = time;
srand($seed);
diag("seed $seed");
psql($database, 'TRUNCATE is_');
for my $i (1 .. 50)
{
	my $bad = $good;
	substr($bad, $start + int(rand(60)), 1) = chr(int(rand(256))) for 1 .. 1 + int(rand(3));
	open(my $out, '>:raw', "$folder/bad") or die $!;
	print $out $bad;
	close($out);
	psql($database, "\\copy is_ from '$folder/bad' (format binary)");
}
psql($database, 'TRUNCATE btyd_is');
for my $i (1 .. 50)
{
	my $bad = $btyd;
	substr($bad, $start + int(rand(57)), 1) = chr(int(rand(256))) for 1 .. 1 + int(rand(3));
	open(my $out, '>:raw', "$folder/bad") or die $!;
	print $out $bad;
	close($out);
	psql($database, "\\copy btyd_is from '$folder/bad' (format binary)");
}
is(psql($database, 'SELECT count(*) FROM btyd_is WHERE s::text::quotetier.btyd OPERATOR(quotetier.<>) s'),
	"0\n", 'btyd: what random bytes brought in can be written and read');
is(psql($database, 'SELECT count(*) FROM is_ WHERE s::text::quotetier.rfm OPERATOR(quotetier.<>) s'),
	"0\n", 'what random bytes brought in can be written and read');

psql('postgres', "DROP DATABASE $database");
done_testing();
