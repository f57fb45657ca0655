# A tracked table under many writers at once: what they do, and what must hold.
#
# Two groups of pgbench clients write the same partitioned table, one in READ
# COMMITTED and one in REPEATABLE READ: inserts of several customers, updates
# that move orders to other customers, times and partitions, deletes, upserts,
# TRUNCATE of a partition, savepoints rolled back, whole rollbacks, flushes. In
# between somebody compares the summary with a recomputation; at the end, too.
package LiveSoak;
use strict;
use warnings;
use IPC::Run ();
use Test::More;

my $table = q{
	SET client_min_messages = warning;
	CREATE EXTENSION IF NOT EXISTS quotetier CASCADE;
	CREATE TABLE orders (id bigserial, customer text NOT NULL, "At" timestamptz, amount numeric,
	                     kind text, part int, UNIQUE (id, part)) PARTITION BY LIST (part);
	CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1);
	CREATE TABLE orders_2 PARTITION OF orders FOR VALUES IN (2);
	CREATE TABLE orders_3 PARTITION OF orders DEFAULT;
	CREATE INDEX ON orders (customer);
	INSERT INTO orders (customer, "At", amount, kind, part)
	SELECT 'c' || i % 500, '2024-01-01'::timestamptz + i * interval '7 minutes', i % 1000 / 100.0, 'k' || i % 5, 1 + i % 3
	FROM generate_series(1, 3000) i;
	SELECT quotetier.track('soak', 'orders', customer => 'customer', at => 'At', amount => 'amount', by => 'kind', flush_every => 200);
	CREATE FUNCTION check_soak() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		drift text := (SELECT string_agg(c::text, E'\n') FROM quotetier.check_tracking('soak') c);
	BEGIN
		IF drift IS NOT NULL THEN
			RAISE EXCEPTION '%', drift;
		END IF;
	END $$;
};

# :c is a customer, hot or spread; weights follow the names.
my $one = q{
\set hot random(1, 3)
\if :hot = 1
\set c random(1, 5000)
\else
\set c random(1, 8)
\endif
\set n random(1, 1000000)
\set p random(1, 3)
};
my $some = q{(SELECT id FROM orders WHERE customer = 'c' || :c ORDER BY id LIMIT 2 OFFSET :n % 3)};
my %scripts = (
	'insert@10' => q{INSERT INTO orders (customer, "At", amount, kind, part)
		SELECT 'c' || (:c + g * (:n % 2)), '2024-01-01'::timestamptz + :n * interval '1 minute', CASE WHEN :n % 50 > 0 THEN :n % 777 / 10.0 END,
		       nullif('k' || :n % 6, 'k5'), 1 + (:p + g) % 3 FROM generate_series(1, 1 + :n % 7) g;},
	'leaf@3' => q{INSERT INTO orders_2 (customer, "At", amount, kind, part) VALUES ('c' || :c, now(), 1.5, 'k1', 2);},
	'move@4' => qq{UPDATE orders SET customer = 'c' || (:c + 1) WHERE id IN $some;},
	'time@3' => qq{UPDATE orders SET "At" = "At" - interval '1 day', amount = amount + 1 WHERE id IN $some;},
	'part@2' => qq{UPDATE orders SET part = :p WHERE id > 0 AND id IN $some;},
	'money@3' => qq{UPDATE orders SET amount = amount * 1.01, kind = 'k' || :p WHERE id IN $some;},
	'delete@5' => qq{DELETE FROM orders WHERE id IN $some;},
	'upsert@3' => q{INSERT INTO orders (id, customer, "At", amount, kind, part) VALUES (-(:n % 100), 'c' || :c, now(), 2, 'k2', :p)
		ON CONFLICT (id, part) DO UPDATE SET customer = excluded.customer, amount = orders.amount + 1;},
	'savepoint@3' => qq{BEGIN; DELETE FROM orders WHERE id IN $some; SAVEPOINT s;
		INSERT INTO orders (customer, "At", amount, part) VALUES ('c' || :c, now(), 9, :p); UPDATE orders SET amount = 0 WHERE id IN $some;
		ROLLBACK TO s; INSERT INTO orders (customer, "At", amount, part) VALUES ('c' || :c, now(), 3, :p); COMMIT;},
	'rollback@2' => qq{BEGIN; DELETE FROM orders WHERE customer = 'c' || :c; INSERT INTO orders (customer, "At", amount, part) VALUES ('c' || :c, now(), 9, :p); ROLLBACK;},
	'truncate@1' => q{\set rare random(1, 20)
\if :rare = 1
BEGIN; SET LOCAL lock_timeout = '5s'; TRUNCATE orders_3; COMMIT;
\endif},
	'flush@1' => q{SELECT quotetier.flush_tracking('soak');},
	# TRUNCATE does not heed snapshots, so the table is locked before one is taken
	'check@1' => q{BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE; SELECT check_soak(); COMMIT;},
);

sub setup
{
	my ($node) = @_;
	$node->safe_psql('postgres', $table);
	my @arguments;
	foreach my $script (sort keys %scripts)
	{
		my ($name, $weight) = split /@/, $script;
		my $file = $node->basedir . "/soak_$name.sql";
		(my $text = $scripts{$script}) =~ s/\n\t\t/ /g;
		open(my $out, '>', $file) or die "$file: $!";
		print $out $one, $text, "\n";
		close($out);
		push @arguments, '-f', "$file\@$weight";
	}
	return @arguments;
}

# Starts the writers; they run for so many seconds.
sub start
{
	my ($node, $seconds, $seed, @arguments) = @_;
	my @groups;
	foreach my $isolation ('read committed', 'repeatable read')
	{
		(my $setting = $isolation) =~ s/ /\\ /;
		my $group = { isolation => $isolation, out => '' };
		local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres',
			PGOPTIONS => "-c default_transaction_isolation=$setting -c client_min_messages=error");
		$group->{harness} = IPC::Run::start(
			[ 'pgbench', '-n', '-c', 4, '-j', 2, '-T', $seconds, '--max-tries=1000', '--failures-detailed', "--random-seed=$seed", @arguments ],
			'<' => \undef, '>' => \$group->{out}, '2>' => \$group->{out}, IPC::Run::timeout($seconds + 300));
		push @groups, $group;
	}
	return @groups;
}

# Whether the writers got on, and what they say otherwise.
sub finished
{
	my (@groups) = @_;
	foreach my $group (@groups)
	{
		IPC::Run::finish($group->{harness});
		my ($done) = $group->{out} =~ /transactions actually processed: (\d+)/;
		my ($failed) = $group->{out} =~ /failed transactions: (\d+)/;
		ok(defined $done && $done > 0 && defined $failed && $failed == 0 && $group->{out} !~ /abort/,
			"$group->{isolation}: all transactions got through, with retries")
		  or diag($group->{out});
		note("$group->{isolation}: $done transactions") if defined $done;
	}
}

sub holds
{
	my ($node, $when) = @_;
	is($node->safe_psql('postgres', q{SELECT count(*) FROM quotetier.check_tracking('soak')}), '0', "nothing drifted $when")
	  or diag($node->safe_psql('postgres', q{SELECT * FROM quotetier.check_tracking('soak') LIMIT 20}));
}

sub soak
{
	my ($node, $seconds) = @_;
	my $seed = $ENV{SEED} // int(rand(1_000_000_000));
	note("SEED=$seed");
	my @arguments = setup($node);
	finished(start($node, $seconds, $seed, @arguments));
	holds($node, 'under 8 writers');
	$node->safe_psql('postgres', q{SELECT quotetier.flush_tracking('soak')});
	holds($node, 'when the queue was folded');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM soak_rfm_queue'), '0', 'the queue is empty then');
	return ($seed, @arguments);
}

# The server is killed while they write, several times.
sub crash
{
	my ($node, $times, $seed, @arguments) = @_;
	foreach my $time (1 .. $times)
	{
		my @groups = start($node, 60, $seed + $time, @arguments);
		sleep(1);
		$node->kill9;
		IPC::Run::finish($_->{harness}) foreach @groups;
		my $up = 0;
		for (1 .. 100)		# until the last of the old processes is gone
		{
			last if $up = $node->start(fail_ok => 1);
			$node->stop('immediate', fail_ok => 1);
			select(undef, undef, undef, 0.1);
		}
		ok($up, "crash $time: the server is up again");
		holds($node, "in crash $time");
	}
}

1;
