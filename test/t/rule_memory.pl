# A hundred times the rules are read anew, changed by the session itself, changed
# back, found bad; policies come and go. No more memory is in use than before.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use RuleLook;
use Session;
use Test::More;

qx{dropdb --if-exists rule_memory 2>&1; createdb rule_memory};
my ($session, $writer) = map { Session->new('dbname=rule_memory') } 1 .. 2;
$writer->ask(RuleLook::setup(12000));
my $one = q{SELECT quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01', 'look')};

sub memory
{
	return split(/\|/, $session->ask(q{SELECT count(*) FILTER (WHERE name LIKE 'quotetier%'), sum(total_bytes) FILTER (WHERE name LIKE 'quotetier%'), sum(total_bytes)
		FROM pg_backend_memory_contexts}));
}

# What is open and mapped, where the system tells; undef elsewhere.
sub attached
{
	my ($what) = @_;
	return scalar(() = glob("/proc/$session->{pid}/fd/*")) || undef if $what eq 'files';
	open(my $maps, '<', "/proc/$session->{pid}/maps") or return;
	return scalar(() = <$maps>);
}

sub cycle
{
	my ($n) = @_;
	$writer->ask('UPDATE quotetier.rule SET value = value + 1 WHERE id <= 3000') if $n % 10 == 0;
	$writer->ask('UPDATE quotetier.rule SET value = value + 1 WHERE id = 2');
	$session->ask($one);
	$session->ask("BEGIN; SAVEPOINT s; UPDATE quotetier.rule SET value = value + 1 WHERE id = 3; $one; ROLLBACK TO s; $one; COMMIT") if $n % 5 == 0;
	$writer->ask(qq{
		INSERT INTO quotetier.policy (name) VALUES ('p$n');
		INSERT INTO quotetier.step (policy, seq, name) VALUES ('p$n', 1, 'list');
		INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (0, 'p$n', 'list', 'price', $n)});
	is($session->ask("SELECT quotetier.net_price('{}', 1, '2025-01-01', 'p$n')"), "$n.00", 'a policy that passes') if $n % 10 == 0;
	$writer->ask(qq{DELETE FROM quotetier.rule WHERE id = 0; DELETE FROM quotetier.policy WHERE name = 'p$n'});
	$session->ask("SELECT quotetier.net_price('{}', 1, '2025-01-01', 'p$n')") if $n % 7 == 0;		# fails
	$session->ask($one);
	return;
}
cycle($_) foreach 1 .. 10;
my @before = memory();
my ($mapped, $files) = map { attached($_) } ('maps', 'files');
cycle($_) foreach 11 .. 110;
my @after = memory();
cmp_ok($after[0], '<=', $before[0], 'as many memory contexts after 100 cycles as before');
cmp_ok($after[1], '<=', $before[1] * 1.1, 'as much memory in them');
cmp_ok($after[2], '<=', $before[2] + 100_000, 'and in all');
SKIP:
{
	skip('nothing tells what is mapped', 2) unless $mapped;
	cmp_ok(attached('maps'), '<=', $mapped + 5, 'as many pieces of memory mapped');
	cmp_ok(attached('files'), '<=', $files + 5, 'as many files open');
}
RuleLook::sees($session, 12, 'in the end');

ok($_->end, 'a session lived to the end') foreach ($session, $writer);
qx{dropdb rule_memory};
done_testing();
