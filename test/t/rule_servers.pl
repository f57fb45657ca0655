# What a quote sees beyond one server: prepared transactions, a hot standby, its
# promotion, a logical subscriber. Sessions stay open all the time, so that what
# they keep has every chance to be the wrong thing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RuleLook;
use Session;
use Test::More;

my $rules = 12000;
*sees = \&RuleLook::sees;

sub session { return Session->new($_[0]->connstr('postgres')); }

sub price
{
	my ($node, $price) = @_;
	$node->safe_psql('postgres', "UPDATE quotetier.rule SET value = $price WHERE id = 1");
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->append_conf('postgresql.conf', qq{
max_prepared_transactions = 5
autovacuum = off
vacuum_defer_cleanup_age = 1000000    # nothing a standby still looks at is cleaned up
});
$primary->start;
$primary->safe_psql('postgres', RuleLook::setup($rules));

# ---- prepared transactions
my $local = session($primary);
my $frozen = session($primary);
sees($local, 1, 'before');
$frozen->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($frozen, 1, 'before, in a transaction that goes on');
$primary->safe_psql('postgres', q{
	BEGIN;
	UPDATE quotetier.rule SET value = 2 WHERE id = 1;
	PREPARE TRANSACTION 'p'});
sees($local, 1, 'prepared, not yet committed');
$primary->safe_psql('postgres', q{UPDATE quotetier.rule SET value = value + 1 WHERE id BETWEEN 1000 AND 2000});
sees($local, 1, 'others change other rules meanwhile');
$primary->safe_psql('postgres', q{COMMIT PREPARED 'p'});
sees($local, 2, 'COMMIT PREPARED');
sees($frozen, 1, 'not in the transaction that goes on');
$frozen->ask('COMMIT');
sees($frozen, 2, 'but in the next one');

$local->ask('BEGIN; UPDATE quotetier.rule SET value = 3 WHERE id = 1');
sees($local, 3, 'own change');
$local->ask(q{PREPARE TRANSACTION 'q'});
sees($local, 2, 'own change prepared: no longer seen');
$local->ask(q{ROLLBACK PREPARED 'q'});
sees($local, 2, 'own change rolled back after PREPARE');
sees($frozen, 2, 'by others, too');

$local->ask(q{BEGIN; SAVEPOINT s; DELETE FROM quotetier.rule WHERE id = 1; ROLLBACK TO s; UPDATE quotetier.rule SET value = 4 WHERE id = 1; PREPARE TRANSACTION 'r'});
$primary->stop('immediate');
$primary->start;
$local = session($primary);
$frozen = session($primary);
sees($local, 2, 'prepared before a crash');
$local->ask(q{COMMIT PREPARED 'r'});
sees($local, 4, 'committed after the crash');
sees($frozen, 4, 'and seen by others');

# ---- hot standby
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
my $reader = session($standby);
my $old = session($standby);
sees($reader, 4, 'standby: as the primary');
$old->ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
price($primary, 5);
$primary->wait_for_catchup($standby);
sees($reader, 5, 'standby: after a change on the primary');
sees($old, 4, 'standby: an old snapshot, nothing kept');
$old->ask('COMMIT');
sees($old, 5, 'standby: is not the next transaction\'s');
$reader->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($reader, 5, 'standby: repeatable');
$primary->safe_psql('postgres', qq{UPDATE quotetier.rule SET value = value + $_ WHERE id = 1; UPDATE quotetier.rule SET value = value + 1 WHERE id = $_ * 31 + 1}) foreach 1 .. 5;
$primary->safe_psql('postgres', q{DELETE FROM quotetier.scale WHERE from_value = 5; INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (2000000, 'look', 'tier', '{"tier": "T11"}', 'percent_off', 30)});
$primary->wait_for_catchup($standby);
sees($reader, 5, 'standby: repeatable, after changes');
sees($old, 20, 'standby: changes one by one');
$reader->ask('COMMIT');
sees($reader, 20, 'standby: fresh afterwards');
$primary->safe_psql('postgres', 'UPDATE quotetier.rule SET value = value * 2 WHERE id < 3000');
$primary->wait_for_catchup($standby);
sees($reader, 40, 'standby: thousands at once');
sees($local, 40, 'as on the primary');

# ---- logical replication: rows arrive without statements
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', RuleLook::setup(400));
$subscriber->safe_psql('postgres', q{TRUNCATE quotetier.rule, quotetier.scale});
my $apply = session($subscriber);
sees($apply, '', 'subscriber: no rules yet');
$primary->safe_psql('postgres', 'CREATE PUBLICATION rules FOR TABLE quotetier.rule, quotetier.scale');
(my $connection = $primary->connstr('postgres')) =~ s/'/''/g;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION rules CONNECTION '$connection' PUBLICATION rules");
$subscriber->wait_for_subscription_sync($primary, 'rules');
sees($apply, 40, 'subscriber: the first copy');
price($primary, 41);
$primary->wait_for_catchup('rules');
sees($apply, 41, 'subscriber: an applied update');
$apply->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($apply, 41, 'subscriber: repeatable');
$primary->safe_psql('postgres', q{
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (2000001, 'look', 'list', '{"sku": "S1"}', 'price', 7);
	UPDATE quotetier.rule SET value = value + 1 WHERE id BETWEEN 31 AND 3000;
	UPDATE quotetier.scale SET value = 9 WHERE to_value IS NULL});
$primary->wait_for_catchup('rules');
sees($apply, 41, 'subscriber: repeatable, after changes');
$apply->ask('COMMIT');
sees($apply, 7, 'subscriber: an applied insert, and others');
$primary->safe_psql('postgres', q{DELETE FROM quotetier.rule WHERE id = 1; UPDATE quotetier.rule SET id = 1 WHERE id = 2000001});
$primary->wait_for_catchup('rules');
sees($apply, 7, 'subscriber: an applied delete, and a new number');
$apply->ask('UPDATE quotetier.rule SET value = 6 WHERE id = 1');
sees($apply, 6, 'subscriber: its own change');
$primary->safe_psql('postgres', q{TRUNCATE quotetier.rule CASCADE});
$primary->wait_for_catchup('rules');
sees($apply, '', 'subscriber: an applied TRUNCATE');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION rules');

# ---- the standby becomes a primary under its open sessions
$primary->wait_for_catchup($standby);
sees($reader, '', 'standby: the TRUNCATE, too');
$primary->safe_psql('postgres', q{INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) SELECT i, 'look', 'list', jsonb_build_object('sku', 'S' || i), 'price', i + 9 FROM generate_series(1, 12000) i});
$primary->wait_for_catchup($standby);
sees($reader, 10, 'standby: last look');
$standby->promote;
sees($reader, 10, 'promoted: same as before');
price($standby, 11);
price($primary, 12);
sees($reader, 11, 'promoted: its own changes are seen');
sees($old, 11, 'promoted: by a session that had looked long before');
sees($local, 12, 'and the old primary\'s only there');
$reader->ask(q{BEGIN; UPDATE quotetier.rule SET value = 13 WHERE id = 1});
sees($reader, 13, 'promoted: a session from before can change');
$reader->ask('ROLLBACK');
sees($reader, 11, 'promoted: and take back');

ok($_->end, 'a session lived to the end') foreach ($local, $frozen, $reader, $old, $apply);
done_testing();
