# Millions of lines quoted from 20,000 rules: with two workers the plan is parallel by
# its costs, and every line has the price it has without, which is the price a
# SELECT gives. How much sooner it is done is told, not judged: it depends on what
# else the machine does.
#
# Runs on the server that PGHOST and PGPORT name, with QUOTETIER_LINES lines (2,000,000).
use strict;
use warnings;
use RuleLook;
use Session;
use Test::More;
use Time::HiRes qw(time);

my $lines = $ENV{QUOTETIER_LINES} || 2_000_000;
qx{dropdb --if-exists rule_parallel 2>&1; createdb rule_parallel};
my $session = Session->new('dbname=rule_parallel');
$session->{timer} = IPC::Run::timeout(1800);
$session->ask(RuleLook::setup(20000));
$session->ask(qq{
	CREATE UNLOGGED TABLE many AS SELECT i AS id, 'S' || i % 21000 AS sku, 'T' || i % 12 AS tier, 1 + i % 13 AS qty FROM generate_series(1, $lines) i;
	VACUUM ANALYZE many});
is($session->ask('SELECT count(*) FROM many'), $lines, 'lines');

my $sum = q{SELECT count(*), sum(quotetier.net_price(m, m.qty, '2025-01-01', 'look') * qty) FROM many m};
# one in 97 beside what a SELECT says
my $differ = q{SELECT count(*) > 1000, count(*) FILTER (WHERE quotetier.net_price(m, m.qty, '2025-01-01', 'look') IS DISTINCT FROM round(round(list.value * m.qty
		* (1 - coalesce(tier.value, 0) / 100) * (1 - CASE WHEN m.qty >= 10 THEN 8 WHEN m.qty >= 5 THEN 4 ELSE 0 END::numeric / 100), 2) / m.qty, 6))
	FROM many m LEFT JOIN quotetier.rule list ON list.policy = 'look' AND list.step = 'list' AND list.scope ->> 'sku' = m.sku
	LEFT JOIN quotetier.rule tier ON tier.policy = 'look' AND tier.step = 'tier' AND tier.scope ->> 'tier' = m.tier WHERE m.id % 97 = 7};
my (%took, %said);
foreach my $workers (0, 2, 0, 2)
{
	$session->ask("SET max_parallel_workers_per_gather = $workers");
	my $plan = $session->ask("EXPLAIN (COSTS OFF) $sum");
	like($plan, $workers ? qr/Workers Planned: 2/ : qr/Seq Scan on many/, "$workers workers: planned");
	my $start = time();
	my $answer = $session->ask($sum);
	my $seconds = time() - $start;
	$took{$workers} = $seconds if !$took{$workers} || $seconds < $took{$workers};
	$said{$workers} //= $answer;
	is($answer, $said{0}, "$workers workers: the same");
}
is($session->ask($differ), 't|0', 'none differs from a SELECT');
# one's own change, seen by all workers
$session->ask('BEGIN; UPDATE quotetier.rule SET value = value + 5 WHERE id = 7');
isnt($session->ask($sum), $said{0}, 'an own change changes it');
is($session->ask($differ), 't|0', 'and none differs from a SELECT');
$session->ask('ROLLBACK');
diag(sprintf('%d lines: %.1f s, with two workers %.1f s, %.2f times sooner', $lines, $took{0}, $took{2}, $took{0} / $took{2}));
ok($session->end, 'the session lived to the end');
qx{dropdb rule_parallel};
done_testing();
