# What a graded answer sees beyond one server: prepared transactions, a hot
# standby, its promotion, and a logical subscriber. Sessions stay open all the
# time, so that a kept book has every chance to be the wrong one. Every look is
# "tier|selected": what tier() says beside what a SELECT in the same statement says.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;

my $look = q{SELECT quotetier.tier('t', 50), (SELECT name FROM quotetier.tier
             WHERE scheme = 't' AND from_value <= 50 ORDER BY from_value DESC LIMIT 1)};

sub sees
{
	my ($session, $tier, $what) = @_;
	is($session->ask($look), "$tier|$tier", $what);
}

sub move
{
	my ($node, $from) = @_;
	$node->safe_psql('postgres', "UPDATE quotetier.tier SET from_value = $from WHERE scheme = 't' AND name = 'high'");
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->append_conf('postgresql.conf', 'max_prepared_transactions = 5');
$primary->start;
$primary->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION quotetier CASCADE;
	INSERT INTO quotetier.scheme (name) VALUES ('t');
	INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('t', 'low', 1, 0), ('t', 'high', 2, 100)});

# ---- prepared transactions
my $local = Session->new($primary->connstr('postgres'));
my $frozen = Session->new($primary->connstr('postgres'));
sees($local, 'low', 'before');
$frozen->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($frozen, 'low', 'before, in a transaction that goes on');
$primary->safe_psql('postgres', q{
	BEGIN;
	UPDATE quotetier.tier SET from_value = 40 WHERE scheme = 't' AND name = 'high';
	PREPARE TRANSACTION 'p'});
sees($local, 'low', 'prepared, not yet committed');
$primary->safe_psql('postgres', q{COMMIT PREPARED 'p'});
sees($local, 'high', 'COMMIT PREPARED');
sees($frozen, 'low', 'not in the transaction that goes on');
$frozen->ask('COMMIT');
sees($frozen, 'high', 'but in the next one');

$local->ask(q{BEGIN; UPDATE quotetier.tier SET from_value = 60 WHERE scheme = 't' AND name = 'high'});
sees($local, 'low', 'own change');
$local->ask(q{PREPARE TRANSACTION 'q'});
sees($local, 'high', 'own change prepared: no longer seen');
$local->ask(q{ROLLBACK PREPARED 'q'});
sees($local, 'high', 'own change rolled back after PREPARE');

$local->ask(q{BEGIN; UPDATE quotetier.tier SET from_value = 60 WHERE scheme = 't' AND name = 'high'; PREPARE TRANSACTION 'r'});
$primary->stop('immediate');
$primary->start;
$local = Session->new($primary->connstr('postgres'));
sees($local, 'high', 'prepared before a crash');
$local->ask(q{COMMIT PREPARED 'r'});
sees($local, 'low', 'committed after the crash');

# ---- hot standby
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
my $reader = Session->new($standby->connstr('postgres'));
my $old = Session->new($standby->connstr('postgres'));
sees($reader, 'low', 'standby: as the primary');
$old->ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
move($primary, 45);
$primary->wait_for_catchup($standby);
sees($reader, 'high', 'standby: after a change on the primary');
sees($old, 'low', 'standby: a cold book filled under an old snapshot');
$old->ask('COMMIT');
sees($old, 'high', 'standby: is not the next transaction\'s');
$reader->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($reader, 'high', 'standby: repeatable');
move($primary, 70);
$primary->wait_for_catchup($standby);
sees($reader, 'high', 'standby: repeatable, after a change');
$reader->ask('COMMIT');
sees($reader, 'low', 'standby: fresh afterwards');

# ---- logical replication: rows arrive without statements
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', q{SET client_min_messages = warning; CREATE EXTENSION quotetier CASCADE});
$primary->safe_psql('postgres', 'CREATE PUBLICATION tiers FOR TABLE quotetier.scheme, quotetier.tier');
my $apply = Session->new($subscriber->connstr('postgres'));
$apply->ask(q{INSERT INTO quotetier.scheme (name) VALUES ('t');
	INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('t', 'low', 1, 0), ('t', 'high', 2, 70)});
sees($apply, 'low', 'subscriber: before');
(my $connection = $primary->connstr('postgres')) =~ s/'/''/g;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION tiers CONNECTION '$connection' PUBLICATION tiers WITH (copy_data = false)");
move($primary, 20);
$primary->wait_for_catchup('tiers');
sees($apply, 'high', 'subscriber: an applied update');
$primary->safe_psql('postgres', q{INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('t', 'higher', 3, 50)});
$primary->wait_for_catchup('tiers');
sees($apply, 'higher', 'subscriber: an applied insert');
$primary->safe_psql('postgres', q{DELETE FROM quotetier.tier WHERE scheme = 't' AND name <> 'low'});
$primary->wait_for_catchup('tiers');
sees($apply, 'low', 'subscriber: an applied delete');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION tiers');

# ---- the standby becomes a primary under its open sessions
$primary->wait_for_catchup($standby);
sees($reader, 'low', 'standby: last look');
$standby->promote;
sees($reader, 'low', 'promoted: same as before');
$standby->safe_psql('postgres', q{INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('t', 'own', 2, 50)});
sees($reader, 'own', 'promoted: its own changes are seen');
$reader->ask(q{BEGIN; UPDATE quotetier.tier SET from_value = 51 WHERE scheme = 't' AND name = 'own'});
sees($reader, 'low', 'promoted: a session from before can change');
$reader->ask('ROLLBACK');
sees($reader, 'own', 'promoted: and take back');

ok($_->end, 'a session lived to the end') foreach ($local, $reader, $old, $apply);
done_testing();
